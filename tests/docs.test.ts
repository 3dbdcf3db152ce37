/** What the documents show runs as it stands: DAG files, tests, commands, settings and codes of errors. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, type RunView } from "@dagwright/engine";
import { loadDagFiles } from "@dagwright/engine/loader";
import { type InProcessOptions, runInProcess } from "@dagwright/engine/testing";
import { type Command, CommanderError } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { dagwrightProgram } from "../client/cli/program.ts";
import { PROJECT } from "./product.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Documents whose commands are checked. */
const DOCUMENTS = [
  ...["docs/monitoring.md", "docs/coming-from-evidently.md"],
  ...["training", "coming-from-scikit-learn"].map((name) => `docs/${name}.md`),
  ...["README.md", "CONTRIBUTING.md"],
  ...[
    "guide",
    "coming-from-airflow",
    "tables",
    "coming-from-pyspark",
    "features",
    "coming-from-feast",
    "tracking",
    "coming-from-mlflow",
  ].map((name) => `docs/${name}.md`),
  ...["operations", "semantics", "ARCHITECTURE"].map((name) => `docs/${name}.md`),
  ...["quality", "coming-from-great-expectations"].map((name) => `docs/${name}.md`),
];
const text = (document: string) => readFileSync(join(PROJECT, document), "utf8");

/** The DAG files of a document: its code blocks that name their file, "```ts orders.ts". */
function filesOf(document: string): string {
  const at = join(folder, document.replace(/\W/g, "-"));
  mkdirSync(at);
  for (const [, name = "", code = ""] of text(document).matchAll(/^```ts (\S+)\n(.*?)^```$/gms)) {
    writeFileSync(join(at, name), code);
  }
  return at;
}

const [monitoring, evidently] = [filesOf("docs/monitoring.md"), filesOf("docs/coming-from-evidently.md")];
/** Documents on training, whose code is tests. */
const training = [filesOf("docs/training.md"), filesOf("packages/learn/README.md")];

const guide = filesOf("docs/guide.md");
const airflow = filesOf("docs/coming-from-airflow.md");
/** Documents whose code is modules and tests, not DAGs. */
const [features, featureStore] = [filesOf("docs/features.md"), filesOf("packages/feature-store/README.md")];
filesOf("docs/coming-from-feast.md");
const tables = [filesOf("docs/tables.md"), filesOf("docs/coming-from-pyspark.md")];
const quality = ["docs/quality.md", "docs/coming-from-great-expectations.md", "packages/expectations/README.md"].map(
  filesOf,
);

/** The other packages' own. */
const packages = ["ab-testing", "engine", "lake", "mcp-kit", "serving", "tracking"].map((name) =>
  filesOf(`packages/${name}/README.md`),
);

/** Runs a DAG of a document's files, which lie in a folder without any packages beside them. */
async function play(from: string, id: string, options: InProcessOptions = {}): Promise<RunView> {
  const { dags } = await loadDagFiles([from], join(from, ".cache"));
  return await runInProcess(createRegistry(dags).get(id), options);
}

/** Every DAG of these documents, and how it ends; a DAG that is missing here fails the test. */
const ENDS: readonly [string, string, InProcessOptions, unknown][] = [
  [monitoring, "retrain_churn", { conf: { reason: "PSI of age is 0.4" } }, "PSI of age is 0.4"],
  [guide, "orders", { params: { rate: 3 }, logicalDate: "2026-01-31" }, { total: 180 }],
  [guide, "release", { answers: { go: { approved: true, by: "ada" } } }, "day.csv, released by ada"],
  [guide, "sales", { logicalDate: "2026-01-31" }, 120],
  [guide, "revenue", { assetEvents: [{ uri: "lake://sales", extra: { rows: 240 } }, { uri: "lake://prices" }] }, 240],
  [airflow, "sales", { logicalDate: "2026-01-31" }, 2_029],
  [airflow, "shards", {}, "done"],
  [airflow, "export", { answers: { go: { approved: true, by: "ada" } } }, "day.csv, checked by ada"],
  [airflow, "orders_daily", {}, 3],
  [airflow, "stock", { assetEvents: [{ uri: "s3://shop/orders" }, { uri: "s3://shop/prices" }] }, 2],
  [airflow, "per_country", { connections: { warehouse: "postgres://etl:secret@db.example/shop" } }, "nl at db.example"],
  [
    airflow,
    "nightly",
    { connections: { warehouse: "postgres://db.example" } },
    ["nl at db.example", "de at db.example"],
  ],
];

describe("DAG files in the documents", () => {
  it.each(
    ENDS.map(([from, id, ...rest], place) => [`${from.slice(folder.length + 1)} ${id} (${place})`, from, id, ...rest]),
  )("%s", async (_title, from, id, options, output) => {
    expect(await play(from, id, options)).toMatchObject({ state: "success", output });
  });

  it("all of them are run here", async () => {
    for (const from of [guide, airflow]) {
      const { dags } = await loadDagFiles([from], join(from, ".cache"));
      const run = ENDS.filter(([where]) => where === from).map(([, id]) => id);
      expect(dags.map(({ id }) => id).sort()).toEqual([...new Set(run)].sort());
    }
  });

  it("do what is said beside them", async () => {
    const late = await play(guide, "release", { params: { file: "day.txt" } });
    expect(late.tasks["landed"]?.error?.code).toBe("SENSOR_TIMEOUT");
    expect(late.tasks["clean_up"]?.state).toBe("success");
    const released = await play(guide, "release", { answers: { go: { approved: false, by: "bob" } } });
    expect(released.tasks).toMatchObject({ go: { error: { code: "REJECTED" } }, clean_up: { state: "success" } });
    const { tasks } = await play(guide, "sales", { logicalDate: "2026-01-31" });
    const events = [{ uri: "lake://sales", extra: { day: "2026-01-31T00:00:00Z", rows: 120 } }];
    expect(tasks["load"]?.assetEvents).toMatchObject(events);
    const shards = await play(airflow, "shards");
    expect(shards.tasks["load"]?.mapped?.map(({ state }) => state)).toEqual([
      "skipped",
      "success",
      "success",
      "success",
    ]);
    expect(shards.tasks).toMatchObject({ report_large: { state: "success" }, report_small: { state: "skipped" } });
  });
});

// A project as `dagwright init` makes it finds its packages beside it.
symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"));
writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));

it("every code file of the documents has the types that it needs", () => {
  const tsconfig = { extends: join(PROJECT, "tsconfig.json"), include: ["*/*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  const tsc = join(PROJECT, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  expect(stdout).toBe("");
}, 60_000);

for (const from of [guide, airflow, features, ...tables, ...training, ...quality, ...packages]) {
  for (const name of readdirSync(from).filter((file) => file.endsWith(".test.ts"))) {
    describe(`${from.slice(folder.length + 1)}/${name}`, async () => {
      await import(join(from, name));
    });
  }
}

it("the README of the feature store gives what it says", async () => {
  const { totals } = await import(join(featureStore, "features.ts"));
  expect(await totals(join(featureStore, "state"))).toEqual([40.5, null]);
});

for (const from of [monitoring, evidently]) {
  for (const name of readdirSync(from).filter((file) => file.endsWith(".test.ts"))) {
    describe(`${from.slice(folder.length + 1)}/${name}`, async () => {
      await import(join(from, name));
    });
  }
}

/** The verbs, doing nothing. */
function idleProgram(): Command {
  const program = dagwrightProgram();
  const still = (command: Command) => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    for (const sub of command.commands) still(sub);
  };
  still(program);
  return program;
}

/** The words of a line of shell, without quotes and comments. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/(?:'[^']*'|"[^"]*"|#.*|[^\s'"#])+/g)].map(([word]) => word);
  const end = words.findIndex((word) => /^(#|[|>&;]|&&)/.test(word));
  return (end < 0 ? words : words.slice(0, end)).map((word) => word.replaceAll(/['"]/g, ""));
}

/** The commands of ours in a document's blocks of shell. */
function commandsOf(document: string): string[][] {
  const blocks = [...text(document).matchAll(/^```(?:sh)?\n(.*?)^```$/gms)].map(([, code = ""]) => code);
  return blocks.flatMap((code) =>
    code
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => wordsOf(line.trim().replace(/^\$ /, "")))
      .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
      .map((words) => (words[0] === "npx" ? words.slice(1) : words))
      .filter(([program]) => program === "dagwright"),
  );
}

describe("commands in the documents", () => {
  const all = DOCUMENTS.flatMap((document) => commandsOf(document).map((words) => [document, words] as const));

  it("there are some", () => {
    expect(all.length).toBeGreaterThan(25);
  });

  it.each(all.map(([document, words]) => [`${document}: ${words.join(" ")}`, words] as const))(
    "%s",
    async (_title, words) => {
      try {
        await idleProgram().parseAsync(words.slice(1), { from: "user" });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        expect(error.message).toBe("");
      }
    },
  );

  it("in running text name verbs and options that exist", () => {
    const unknown: string[] = [];
    for (const document of DOCUMENTS) {
      for (const [whole, said = ""] of text(document).matchAll(/`(?:npx )?dagwright ([^`]+)`/g)) {
        let meant: Command[] = [idleProgram()];
        for (const word of wordsOf(said)) {
          if (word.startsWith("--")) {
            const known = meant.some((command) => command.options.some(({ long }) => long === word));
            if (!known) unknown.push(`${document}: ${whole}: ${word}`);
          } else if (meant.every(({ commands }) => commands.length > 0)) {
            const next = word.split("|").map((verb) => meant[0]?.commands.find((one) => one.name() === verb));
            if (next.includes(undefined)) unknown.push(`${document}: ${whole}: ${word}`);
            meant = next.filter((one) => one !== undefined);
          }
        }
      }
    }
    expect(unknown).toEqual([]);
  });

  it("blocks of shell are shell", () => {
    for (const document of DOCUMENTS) {
      for (const [, code = ""] of text(document).matchAll(/^```sh\n(.*?)^```$/gms)) {
        execFileSync("bash", ["-n"], { input: code });
      }
    }
  });
});

/** Whether a program is installed. */
const has = (program: string) => spawnSync("bash", ["-c", `command -v ${program}`]).status === 0;

it.skipIf(!has("sqlite3"))("the backup in docs/operations.md has all that is committed, while it is used", async () => {
  const at = mkdtempSync(join(folder, "backup-"));
  const bash = (code: string) => execFileSync("bash", ["-euc", code], { cwd: at, encoding: "utf8" });
  const [script = ""] = [...text("docs/operations.md").matchAll(/^```sh\n(.*?)^```$/gms)]
    .map(([, code = ""]) => code)
    .filter((code) => code.includes(".backup"));
  // A connection that stays open keeps the last commits in the file beside the database.
  bash(`mkdir -p .dagwright/temporal .dagwright/objects/ab .dagwright/bin .dagwright/lake
    echo large > .dagwright/objects/ab/abcd; echo {} > .dagwright/temporal/server.json; touch .dagwright/bin/temporal
    echo log > .dagwright/lake/log.json`);
  const users = ["runs.db", "temporal/temporal.db"].map((file) => spawn("sqlite3", [join(at, ".dagwright", file)]));
  try {
    for (const { stdin, stdout } of users) {
      stdin.write("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (42); SELECT 'ready';\n");
      for await (const said of stdout.iterator({ destroyOnReturn: false })) if (String(said).includes("ready")) break;
    }
    bash(script);
  } finally {
    for (const user of users) user.kill();
  }
  expect(bash("sqlite3 backup/runs.db 'SELECT x FROM t'; sqlite3 backup/temporal/temporal.db 'SELECT x FROM t'")).toBe(
    "42\n42\n",
  );
  expect(bash("cd backup; find . -type f | sort").trim().split("\n")).toEqual([
    "./lake/log.json",
    "./objects/ab/abcd",
    "./runs.db",
    "./temporal/temporal.db",
  ]);
});

/** All source text of some folders of the project, tests aside. */
function sourcesIn(...folders: readonly string[]): string {
  return folders
    .flatMap((one) =>
      readdirSync(join(PROJECT, one), { recursive: true, encoding: "utf8" })
        .filter((file) => /\.(ts|mjs)$/.test(file) && !file.includes("node_modules") && !file.endsWith(".test.ts"))
        .map((file) => readFileSync(join(PROJECT, one, file), "utf8")),
    )
    .join("\n");
}

describe("names in the documents", () => {
  const sources = sourcesIn(
    "packages/engine/src",
    "packages/feature-store/src",
    "packages/lake/src",
    "packages/tracking/src",
    "client",
    "worker",
    "bin",
    "mcp-servers",
  );

  it("every setting is in the table of docs/operations.md, and every one that is named exists", () => {
    const settings = readFileSync(join(PROJECT, "packages/engine/src/settings/index.ts"), "utf8");
    const read = new Set([...settings.matchAll(/\b(?:DAGWRIGHT|TEMPORAL)_[A-Z_]+/g)].map(([name]) => name));
    const [, table = ""] = text("docs/operations.md").split("\n## Settings\n");
    const listed = new Set(
      [...(table.split("\n## ")[0] ?? "").matchAll(/\b(?:DAGWRIGHT|TEMPORAL)_[A-Z_]+/g)].map(String),
    );
    expect([...read].filter((name) => !listed.has(name))).toEqual([]);
    const compose = text("docker-compose.temporal.yml");
    for (const document of DOCUMENTS) {
      for (const [name] of text(document).matchAll(/\bDAGWRIGHT_[A-Z_]+/g)) {
        // A connection's or secret's own variable is named after it.
        if (/^DAGWRIGHT_(CONN|SECRET)_/.test(name)) continue;
        expect([document, name, sources.includes(name) || compose.includes(name)]).toEqual([document, name, true]);
      }
    }
  });

  it("every code of an error exists", () => {
    for (const document of [
      "docs/guide.md",
      "docs/semantics.md",
      "docs/operations.md",
      "docs/coming-from-airflow.md",
      "docs/features.md",
      "docs/tables.md",
      "docs/coming-from-pyspark.md",
      "docs/coming-from-feast.md",
    ]) {
      for (const [, code = ""] of text(document).matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)) {
        if (/^(AWS|DAGWRIGHT|MLFLOW|NUM|OTEL|REDIS|SPARK|TEMPORAL)_/.test(code)) continue;
        expect([document, code, sources.includes(`"${code}"`)]).toEqual([document, code, true]);
      }
    }
  });

  it("every link leads somewhere", () => {
    for (const document of [...DOCUMENTS, "CHANGELOG.md"]) {
      const base = new URL(document, `file://${PROJECT}/`);
      for (const [, target = ""] of text(document).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = "", anchor] = target.split("#");
        const url = new URL(path === "" ? base : new URL(path, base));
        if (anchor === undefined) {
          expect([document, target, existsSync(url)]).toEqual([document, target, true]);
          continue;
        }
        const headings = [...readFileSync(url, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, words = ""]) =>
          words
            .toLowerCase()
            .replaceAll(/[^\w\s-]/g, "")
            .replaceAll(" ", "-"),
        );
        expect([document, target, headings]).toEqual([document, target, expect.arrayContaining([anchor])]);
      }
    }
  });
});
