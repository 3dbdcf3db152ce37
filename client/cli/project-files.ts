import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Versions = z.object({
  dependencies: z.looseObject({ zod: z.string() }),
  devDependencies: z.looseObject({ typescript: z.string(), vitest: z.string(), "@types/node": z.string() }),
});

/**
 * The files of a new project, by path.
 *
 * @param o.clone The folder of Dagwright itself: the packages are on no registry, so the project takes them from there.
 */
export function projectFiles({ name, clone }: { name: string; clone: string }): ReadonlyMap<string, string> {
  const { dependencies, devDependencies } = Versions.parse(
    JSON.parse(readFileSync(join(clone, "package.json"), "utf8")),
  );
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const home = clone.replace(/[\\/]$/, "");
  return new Map([
    [
      "package.json",
      json({
        name,
        private: true,
        type: "module",
        scripts: { test: "vitest run", typecheck: "tsc -p tsconfig.json" },
        dependencies: {
          "@dagwright/engine": `file:${home}/packages/engine`,
          dagwright: `file:${home}`,
          zod: dependencies.zod,
        },
        devDependencies: {
          "@types/node": devDependencies["@types/node"],
          typescript: devDependencies.typescript,
          vitest: devDependencies.vitest,
        },
      }),
    ],
    ["tsconfig.json", json(TSCONFIG)],
    ["vitest.config.ts", VITEST_CONFIG],
    ["workflows/hello.ts", HELLO],
    ["workflows/hello.test.ts", HELLO_TEST],
    ["README.md", readme(name)],
    [".gitignore", "node_modules/\n.dagwright/\n"],
  ]);
}

const TSCONFIG = {
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    noEmit: true,
    customConditions: ["source"],
    types: ["node"],
  },
  include: ["workflows", "vitest.config.ts"],
};

const VITEST_CONFIG = `import { defineConfig } from "vitest/config";

// Dagwright's packages are TypeScript sources: the condition "source" leads to them.
export default defineConfig({
  resolve: { conditions: ["source", "node"] },
  ssr: { resolve: { conditions: ["source", "node"] } },
});
`;

const HELLO = `import { cron, defineDag, task } from "@dagwright/engine";
import { z } from "zod";

/** One step: what goes in, what comes out, and ordinary Node code. */
export const greet = task("greet", {
  input: z.object({ name: z.string() }),
  output: z.object({ text: z.string() }),
  retries: 2,
  retryDelay: "10s",
  run: ({ name }, ctx) => {
    ctx.log.info("Greeting", { name });
    return { text: \`Hello, \${name}!\` };
  },
});

/** The steps and their order: \`first.text\` is a value that exists once a run gets there. */
export const hello = defineDag(
  { id: "hello", schedule: cron("@daily"), params: z.object({ name: z.string().default("world") }) },
  ({ params }) => {
    const first = greet({ name: params.name });
    const second = greet({ name: first.text }, { id: "greet_again" });
    return { greeting: second.text };
  },
);
`;

const HELLO_TEST = `import { mock, runInProcess } from "@dagwright/engine/testing";
import { expect, test } from "vitest";
import { greet, hello } from "./hello.ts";

test("greets twice", async () => {
  const run = await runInProcess(hello, { params: { name: "Ada" } });
  expect(run).toMatchObject({ state: "success", output: { greeting: "Hello, Hello, Ada!!" } });
});

test("hands the first greeting on to the second", async () => {
  // The compiler holds the mock to the task's schemas.
  const mocks = mock(greet, ({ name }) => ({ text: name.toUpperCase() }));
  const run = await runInProcess(hello, { params: { name: "Ada" }, mocks });
  expect(run.tasks["greet_again"]?.output).toEqual({ text: "ADA" });
});
`;

const readme = (name: string) => `# ${name}

Pipelines as typed DAGs, by [Dagwright](https://github.com/dagwright/dagwright). \`workflows/hello.ts\` is one; change it.

\`\`\`sh
npm install
npm test                                            # the DAG in this process, its task mocked
npx dagwright test workflows/hello.ts               # one run without any server
npx dagwright run hello --dags workflows --wait     # on Temporal, started for as long as it takes
npx dagwright up --dags workflows                   # schedules, and changes of files as you save them; until Ctrl-C
npx dagwright runs list
npx dagwright dags graph hello --dags workflows --format ascii
\`\`\`

State lives in \`.dagwright/\`: safe to delete. Every verb has \`--help\` with an example, and \`--json\`.
`;
