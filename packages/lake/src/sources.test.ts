import { appendFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Lake, SourceColumn, StageOptions } from "./api.ts";
import type { LakeError } from "./errors.ts";
import { openLake } from "./lake.ts";
import { checkValue } from "./source-values.ts";

let root: string;
let data: string;
let lake: Lake;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "lake-sources-")));
  data = join(root, "data");
  await mkdir(data);
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [data], threads: 1, memoryLimit: "512MB" });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const COLUMNS: readonly SourceColumn[] = [
  { name: "id", type: "bigint", min: 0 },
  { name: "s", type: "string", nullable: true },
];
const put = async (name: string, content: string | Buffer) => {
  const path = join(data, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
};
const read = async (o: Omit<StageOptions, "columns"> & { columns?: StageOptions["columns"] }) => {
  const staged = await lake.stage({ columns: COLUMNS, ...o });
  const { rows } = await lake.native("FROM v ORDER BY ALL", { views: { v: staged.view } });
  await staged.close();
  expect(rows).toHaveLength(staged.rows);
  return rows.map((row) => Object.values(row));
};
const failure = (work: Promise<unknown>): Promise<LakeError> =>
  work.then(
    () => Promise.reject(new Error("it succeeded")),
    (e) => e,
  );

describe("CSV", () => {
  it("is read with a byte order mark, CRLF, quotes, line breaks in fields, columns in any order, blank lines", async () => {
    const source = await put("a.csv", '\uFEFFs,id\r\n"a ""q"", b",1\r\n\r\n"two\r\nlines",2\r\n,3\r\n"",+4\r\n');
    expect(await read({ source })).toEqual([
      [1, 'a "q", b'],
      [2, "two\r\nlines"],
      [3, null],
      [4, null],
    ]);
  });

  it("is read in other dialects", async () => {
    const source = await put("a.tsv", "1\t'a\tb'\n2\tNA\n3\tit''s \"so\"\n");
    const csv = { delimiter: "\t", quote: "'", header: false, nullText: "NA" };
    expect(await read({ source, csv })).toEqual([
      [1, "a\tb"],
      [2, null],
      [3, "it''s \"so\""],
    ]);
    const plain = await put("b.csv", 'id;s\n1;"a\n2;b"c\n');
    expect(await read({ source: plain, csv: { delimiter: ";", quote: "" } })).toEqual([
      [1, '"a'],
      [2, 'b"c'],
    ]);
    for (const wrong of [{ delimiter: ";;" }, { quote: "," }, { encoding: "klingon" }, { delimiter: "a" }]) {
      expect(await failure(read({ source: plain, csv: wrong }))).toMatchObject({ code: "SOURCE_DIALECT" });
    }
  });

  it("is read in other encodings and packed", async () => {
    const latin = await put("latin.csv", Buffer.from("id,s\n1,Käse €\n".replace("€", "\x80"), "latin1"));
    expect(await read({ source: latin, csv: { encoding: "windows-1252" } })).toEqual([[1, "Käse €"]]);
    const utf16 = await put("utf16.csv", Buffer.from("\uFEFFid,s\n1,Käse €\n", "utf16le"));
    expect(await read({ source: utf16 })).toEqual([[1, "Käse €"]]);
    const packed = await put("a.csv.gz", gzipSync("id,s\n1,ü\n"));
    expect(await read({ source: packed })).toEqual([[1, "ü"]]);
    const both = await put("b.csv.gz", gzipSync(Buffer.from("id,s\n1,é\n", "latin1")));
    expect(await read({ source: both, csv: { encoding: "latin1" } })).toEqual([[1, "é"]]);
    const marked = await put("c.csv.gz", gzipSync(Buffer.from("\uFEFFid,s\n1,é\n", "utf16le")));
    expect(await read({ source: marked })).toEqual([[1, "é"]]);
    const unlabelled = await failure(read({ source: latin }));
    expect(unlabelled).toMatchObject({ code: "BAD_ROW" });
    expect(unlabelled.message).toContain(`${latin}, line 2: column s`);
  });

  it("is read with tabs from a file named so, beside one with commas", async () => {
    await put("in/a.tsv.gz", gzipSync("id\ts\n1\ta,b\n"));
    await put("in/b.csv", "id,s\n2,c\td\n");
    expect(await read({ source: join(data, "in") })).toEqual([
      [1, "a,b"],
      [2, "c\td"],
    ]);
  });

  it("names the line from which a file ends its lines otherwise, and a carriage return in a field", async () => {
    const mixed = await put("mixed.csv", 'id,s\r\n1,"a\nb"\r\n2,c\n3,d\r\n');
    const error = await failure(read({ source: mixed }));
    expect(error).toMatchObject({ code: "SOURCE_DIALECT", field: "source" });
    expect(error.message).toBe(
      `${mixed}, line 4: the row ends with "\\n", those before it with "\\r\\n". Nothing was written.`,
    );
    const stray = await put("stray.csv", "id,s\n1,a\rb\n");
    expect((await failure(read({ source: stray }))).message).toContain(
      `${stray}, line 2: the row "1,a\\rb" holds a carriage return outside of quotes.`,
    );
  });

  it("that was cut off while packed is named, JSON lines too", async () => {
    const rows = Array.from({ length: 50_000 }, (_, i) => i * 7919);
    const csv = gzipSync(`id,s\n${rows.map((id) => `${id},${id ** 3}\n`).join("")}`);
    const json = gzipSync(rows.map((id) => `{"id":${id},"s":"${id ** 3}"}\n`).join(""));
    for (const [name, packed] of Object.entries({ "cut.csv.gz": csv, "cut.jsonl.gz": json })) {
      // DuckDB takes the second and third for whole files of fewer rows.
      for (const bytes of [40, 5000, packed.length >> 1, packed.length - 4]) {
        const source = await put(name, packed.subarray(0, bytes));
        const error = await failure(read({ source }));
        expect(error, `${name}, ${bytes} bytes`).toMatchObject({ code: "SOURCE_UNREADABLE", field: "source" });
        expect(error.message).toContain(`${source} cannot be unpacked`);
      }
      expect(await read({ source: await put(name, packed) })).toHaveLength(rows.length);
    }
  });

  it("packed with zstd is taken only whole", async () => {
    // Two frames of one raw block each, as RFC 8878 writes them: Node 20 packs none.
    const frame = (text: string) => {
      const block = Buffer.alloc(3);
      block.writeUIntLE((text.length << 3) | 1, 0, 3);
      return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, text.length]), block, Buffer.from(text)]);
    };
    const packed = Buffer.concat([frame("id,s\n1,a\n"), frame("2,b\n")]);
    expect(await read({ source: await put("a.csv.zst", packed) })).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    for (const bytes of [10, packed.length - 6, packed.length - 1]) {
      const source = await put("a.csv.zst", packed.subarray(0, bytes));
      expect(await failure(read({ source })), `${bytes} bytes`).toMatchObject({ code: "SOURCE_UNREADABLE" });
    }
  });

  it("names file, line, column and value of the first bad row, and counts the others", async () => {
    await put("in/a.csv", "id,s\n1,a\n");
    const source = await put("in/b.csv", 'id,s\n1,"a\nb"\nx1,c\n2,d\n-3,e\n');
    const error = await failure(read({ source: join(data, "in") }));
    expect(error).toMatchObject({ code: "BAD_ROW", field: "source" });
    expect(error.message).toBe(
      `${source}, line 4: column id holds "x1", expected a whole number. 2 rows are bad in all. Nothing was written.`,
    );
    await put("in/b.csv", "id,s\n1\n2,b,c\n");
    expect((await failure(read({ source }))).message).toContain('line 2: the row "1" has 1 columns, 2 were expected.');
    await put("in/b.csv", 'id,s\n1,"open\n2,b\n');
    expect((await failure(read({ source }))).message).toContain("line 2: the row");
    expect((await failure(read({ source: join(data, "in"), columns: [{ name: "id", type: "bigint" }] }))).code).toBe(
      "SOURCE_HEADER",
    );
  });

  it("takes the texts of a type that are right, and no others, whichever way they are checked", async () => {
    const types = [
      "bigint",
      "int",
      "double",
      "date",
      "timestamp",
      "boolean",
      "string",
      "decimal(6,2)",
      "decimal(38,0)",
    ] as const;
    const odd = fc.constantFrom(
      ..."0|-0|+1|1.|.5|.|1e5|1e400|1E-3|NaN|inf|0x1|1_0| 1|1 |9223372036854775807|9223372036854775808|-9223372036854775809".split(
        "|",
      ),
      ..."2147483648|00012|2024-02-29|2023-02-29|1900-02-29|0000-01-01|0001-01-01|9999-12-31|2024-1-1|2024-01-32|10000-01-01".split(
        "|",
      ),
      ..."2024-01-31T12:00:00|2024-01-31 12:00:00.123456|2024-01-31T12:00:00Z|2024-01-31T12:00:00+05:30|2024-01-31T24:00:00|2024-01-31T12:60:00|2024-01-31T12:00:00.1234567|2024-01-31T12:00:00+15:00|2024-01-31T12:00".split(
        "|",
      ),
      ..."true|FALSE|True|yes|t|1234.56|12345.6|1.005|1.230|0001.20|-0.01|99999999999999999999999999999999999999|١٢".split(
        "|",
      ),
    );
    const text = fc.oneof(
      odd,
      fc.string({ unit: fc.constantFrom(..."0123456789+-.eE:TZ "), maxLength: 12 }),
      fc.string({ maxLength: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...types),
        fc.array(text, { minLength: 1, maxLength: 6 }),
        async (type, texts) => {
          const column: SourceColumn = { name: "x", type };
          const usable = texts.filter((t) => t !== "" && !/[\r\n\0]/.test(t));
          // One file a text: the fast reader stops at the first that is wrong.
          for (const [i, t] of usable.entries()) {
            const source = await put(`p${i}.csv`, `x,y\n"${t.replaceAll('"', '""')}",z\n`);
            const columns = [column, { name: "y", type: "string" } as const];
            const expected = checkValue(t, column);
            const got = await read({ source, columns }).catch((e: LakeError) => e);
            expect([t, type, Array.isArray(got)]).toEqual([t, type, "value" in expected]);
            if (!Array.isArray(got)) expect(got.message).toContain("line 2: column x holds");
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);
});

describe("JSON lines", () => {
  const columns: readonly SourceColumn[] = [
    { name: "id", type: "bigint" },
    { name: "a/b~c", type: "string", nullable: true },
    { name: "x", type: "double", nullable: true },
    { name: "d", type: "date", nullable: true },
    { name: "m", type: "decimal(9,2)", nullable: true },
    { name: "b", type: "boolean", nullable: true },
  ];

  it("are read, missing and null alike", async () => {
    const lines = [
      '{"id": 9007199254740993, "a/b~c": "", "x": 1, "d": "2026-01-31", "m": 12.5, "b": true}',
      "",
      '{"m": "3.25", "id": 2, "x": null, "a/b~c": "ü\\n"}',
    ];
    const source = await put("a.jsonl", `${lines.join("\n")}\n`);
    const expected = [
      [2, "ü\n", null, null, 3.25, null],
      ["9007199254740993", "", 1, "2026-01-31", 12.5, true],
    ];
    expect(await read({ source, columns })).toEqual(expected);
    expect(await read({ source: await put("a.ndjson.gz", gzipSync(lines.join("\n"))), columns })).toEqual(expected);
  });

  it.each([
    ['{"id": 1, "zz": 2}', 'unknown column "zz"'],
    ['{"id": 1, "x": 2, "\\u0069d": 1}', 'the key "id" twice'],
    ['{"id": 1, "a/b~c": "\\"id\\": [{", "b": null, "b": null}', 'the key "b" twice'],
    ['{"id": "1"}', 'column id holds "\\"1\\"", expected a JSON number'],
    ['{"id": 1.5}', "column id holds"],
    ['{"id": null}', "column id holds"],
    ['{"id": 1, "d": "2023-02-29"}', "column d holds"],
    ['{"id": 1, "b": 1}', "column b holds"],
    ["[1]", "is no JSON object"],
    ['{"id": 1', "is no JSON"],
  ])("name the bad line: %s", async (line, what) => {
    const source = await put("a.jsonl", `{"id": 0}\n${line}\n{"id": 2}\n`);
    const error = await failure(read({ source, columns }));
    expect(error).toMatchObject({ code: "BAD_ROW" });
    expect(error.message).toContain(`${source}, line 2: `);
    expect(error.message).toContain(what);
  });
});

describe("Parquet and Delta", () => {
  it("name the one of several files whose column does not fit", async () => {
    const exported = async (sql: string, path: string) => {
      const duckdb = await DuckDBInstance.create(":memory:");
      const connection = await duckdb.connect();
      await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
      duckdb.closeSync();
    };
    const folder = join(root, "data", "several");
    await mkdir(folder, { recursive: true });
    await exported("SELECT 1::BIGINT AS id", join(folder, "a.parquet"));
    await exported("SELECT 'x' AS id", join(folder, "b.parquet"));
    const source = join(folder, "*.parquet");
    const error = await failure(read({ source, columns: [{ name: "id", type: "bigint" }] }));
    expect(error).toMatchObject({ code: "SOURCE_HEADER" });
    expect(error.message).toContain(`id of ${join(folder, "b.parquet")} is string, not bigint`);
  });

  it("bring their own columns, and are checked against those wanted", async () => {
    const write = (sql: string, ordinal: number) =>
      lake.write({
        table: "t",
        sql,
        views: {},
        mode: "append",
        dialect: "duckdb",
        txn: { appId: `s${ordinal}`, version: 1 },
      });
    await write("SELECT 1::BIGINT AS id, 'a' AS s", 0);
    await write("SELECT 2::BIGINT AS id, NULL::VARCHAR AS s", 1);
    const other = await openLake({ root: join(root, "other"), sourceRoots: [join(root, "lake")] });
    try {
      const rowsOf = async (o: StageOptions) => {
        const staged = await other.stage(o);
        const { rows } = await other.native("FROM v ORDER BY id", { views: { v: staged.view } });
        return { columns: staged.columns, rows };
      };
      const source = join(root, "lake", "t");
      expect(await rowsOf({ source })).toEqual({
        columns: [
          { name: "id", type: "bigint" },
          { name: "s", type: "string" },
        ],
        rows: [
          { id: 1, s: "a" },
          { id: 2, s: null },
        ],
      });
      expect((await rowsOf({ source, version: 0 })).rows).toHaveLength(1);
      expect((await rowsOf({ source: join(source, "*.parquet") })).rows).toHaveLength(2);
      expect((await rowsOf({ source, columns: [{ name: "id", type: "bigint" }] })).columns).toHaveLength(1);
      const strict = [
        { name: "id", type: "bigint", min: 2 },
        { name: "s", type: "string" },
      ] as const;
      expect((await failure(rowsOf({ source, columns: strict }))).message).toMatch(/column (id holds 1|s holds null)/);
      expect(await failure(rowsOf({ source, columns: [{ name: "id", type: "int" }] }))).toMatchObject({
        code: "SOURCE_HEADER",
      });
      expect((await failure(rowsOf({ source, columns: [{ name: "no", type: "int" }] }))).message).toContain(
        "no is missing",
      );
    } finally {
      await other.close();
    }
  });

  it("a file that is broken or of a type no table holds is refused", async () => {
    const source = await put("a.parquet", "PAR1 not really");
    expect(await failure(lake.stage({ source }))).toMatchObject({ code: "SOURCE_UNREADABLE" });
    expect((await failure(lake.stage({ source }))).message).toContain(source);
  });
});

describe("finding sources", () => {
  it("takes patterns and folders, without bookkeeping files", async () => {
    await put("in/a.csv", "id,s\n1,a\n");
    await put("in/sub/b.csv.gz", gzipSync("id,s\n2,b\n"));
    await put("in/sub/c.tsv", "not read");
    await put("in/_SUCCESS", "");
    await put("in/.a.csv.crc", "x");
    const ids = async (source: string | string[]) => (await read({ source })).map(([id]) => id);
    expect(await ids(join(data, "in", "**", "*.csv*"))).toEqual([1, 2]);
    expect(await ids(join(data, "in", "*.csv"))).toEqual([1]);
    expect(await ids(join(data, "in", "{a,x}.csv"))).toEqual([1]);
    expect(await ids(join(data, "in", "[!b-z].cs?"))).toEqual([1]);
    expect(await ids([join(data, "in", "a.csv"), join(data, "in", "sub", "*.gz")])).toEqual([1, 2]);
    await rm(join(data, "in", "sub", "c.tsv"));
    expect(await ids(join(data, "in"))).toEqual([1, 2]);
    expect(await failure(read({ source: join(data, "in", "*.xls") }))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    expect(await failure(read({ source: join(data, "none.csv") }))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await mkdir(join(data, "bare"));
    expect(await failure(read({ source: join(data, "bare") }))).toMatchObject({ code: "SOURCE_IS_DIRECTORY" });
    expect(await failure(lake.stage({ source: await put("a.dat", "x") }))).toMatchObject({ code: "SOURCE_FORMAT" });
    expect(await failure(lake.stage({ source: join(data, "in", "a.csv") }))).toMatchObject({ code: "SOURCE_COLUMNS" });
    expect(await failure(lake.stage({ source: join(data, "in"), format: "delta" }))).toMatchObject({
      code: "SOURCE_FORMAT",
      message: `The source ${join(data, "in")} is no folder of a Delta table: it has no _delta_log.`,
    });
    for (const source of ["https://example.com/a.csv", join(data, "a\0.csv")]) {
      expect(await failure(read({ source }))).toMatchObject({
        code: "SOURCE_NOT_FOUND",
        message: expect.stringContaining("a path or s3://bucket/key was expected"),
      });
    }
    expect(await failure(read({ source: await put("empty.csv", "") }))).toMatchObject({ code: "SOURCE_EMPTY" });
    expect(await failure(read({ source: await put("header.csv", "id,s\n") }))).toMatchObject({ code: "SOURCE_EMPTY" });
  });

  it("stays inside the roots, whatever the way out", async () => {
    await writeFile(join(root, "secret.csv"), "id,s\n1,a\n");
    await symlink(join(root, "secret.csv"), join(data, "link.csv"));
    await symlink(root, join(data, "up"));
    await put("ok.csv", "id,s\n1,a\n");
    for (const source of [
      join(root, "secret.csv"),
      join(data, "..", "secret.csv"),
      join(data, "link.csv"),
      join(data, "up", "secret.csv"),
      join(data, "*.csv"),
      join(data, "up", "*.csv"),
      `${data}/../*.csv`,
      "/etc/passwd",
      "/etc/no-such-file",
      "s3://bucket/x.csv",
    ]) {
      expect([source, (await failure(read({ source }))).code]).toEqual([source, "SOURCE_OUTSIDE_ROOTS"]);
    }
    expect(await failure(lake.native("FROM v", { views: { v: { staged: join(data, "ok.csv") } } }))).toMatchObject({
      code: "SOURCE_OUTSIDE_ROOTS",
    });
    const staged = await lake.stage({ source: join(data, "ok.csv"), columns: COLUMNS });
    await staged.close();
    expect(await failure(lake.native("FROM v", { views: { v: staged.view } }))).toMatchObject({
      code: "SOURCE_OUTSIDE_ROOTS",
    });
  });
});

it("reads and writes more than its memory holds", async () => {
  const small = await openLake({ root: join(root, "small"), sourceRoots: [data], threads: 1, memoryLimit: "100MB" });
  try {
    const source = join(data, "large.csv");
    await writeFile(source, "id,s\n");
    // 2.5 times the memory.
    for (let part = 0; part < 25; part++) {
      const lines = Array.from(
        { length: 100_000 },
        (_, i) => `${part * 100_000 + i},${"x".repeat(80)}${(i * 7919) % 100_000}`,
      );
      await appendFile(source, `${lines.join("\n")}\n`);
    }
    const staged = await small.stage({ source, columns: COLUMNS });
    expect(staged.rows).toBe(2_500_000);
    const txn = { appId: "large", version: 1 };
    await small.write({ table: "t", sql: "SELECT * FROM v", views: { v: staged.view }, mode: "append", txn });
    const { rows } = await small.query("SELECT count(*) AS n, sum(id) AS s FROM t", { views: { t: { table: "t" } } });
    expect(rows).toEqual([{ n: 2_500_000, s: 3_124_998_750_000 }]);
  } finally {
    await small.close();
  }
}, 120_000);
