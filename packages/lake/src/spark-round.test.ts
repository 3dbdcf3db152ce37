import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLake } from "./index.ts";

test("round is that of the shortest decimal form, at halves, beside them and far from them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lake-round-"));
  const lake = await openLake({ root: join(folder, "lake"), sourceRoots: [], threads: 1 });
  const beside = "(VALUES (0.0), (1e-3), (-1e-3), (1e-5), (-1e-5), (1e-9), (0.37)) AS b(e)";
  const numbers = `SELECT CAST(i AS DOUBLE) * f / 2000 + e AS x FROM range(-501, 1501) AS r(i), (VALUES (1), (7919), (104729)) AS s(f), ${beside}
    UNION ALL SELECT CAST(x AS DOUBLE) FROM (VALUES ('-0.0'), ('1.005'), ('2.675'), ('-0.3'), ('1e14'), ('123456789.125'), ('4503599627370.5')) AS o(x)`;
  const exact = (n: number) => `CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 18)), ${n}) AS DOUBLE)`;
  for (const n of [0, 2, 3]) {
    // As texts, which tell -0.0 from 0.0.
    const differ = `SELECT x FROM (${numbers}) WHERE CAST(spark_round(x, ${n}) AS VARCHAR) <> CAST(${exact(n)} AS VARCHAR)`;
    expect((await lake.native(differ, { views: {}, limit: 3 })).rows).toEqual([]);
  }
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});
