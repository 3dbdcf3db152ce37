import { randomUUID } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { versionName } from "./delta-actions.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Engine } from "./engine.ts";
import { quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";

/** Removed files are repeated in checkpoints this long (Delta's default retention of deleted files). */
const TOMBSTONES_MS = 7 * 24 * 3600 * 1000;

/** The columns of a classic checkpoint, as DuckDB types. */
const COLUMNS = `{
  protocol: 'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER, "readerFeatures" VARCHAR[], "writerFeatures" VARCHAR[])',
  "metaData": 'STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, "options" MAP(VARCHAR, VARCHAR)), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], "configuration" MAP(VARCHAR, VARCHAR), "createdTime" BIGINT)',
  txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
  "add": 'STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), size BIGINT, "modificationTime" BIGINT, "dataChange" BOOLEAN, stats VARCHAR)',
  remove: 'STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN, "partitionValues" MAP(VARCHAR, VARCHAR), size BIGINT)'
}`;

/** Writes the classic checkpoint of a snapshot and points `_last_checkpoint` to it. Any writer may do so, more than once. */
export async function writeCheckpoint(log: DeltaLog, engine: Engine, snapshot: Snapshot): Promise<void> {
  const name = `${versionName(snapshot.version)}.checkpoint.parquet`;
  const since = Date.now() - TOMBSTONES_MS;
  const actions = [
    { protocol: snapshot.protocol },
    {
      metaData: {
        ...snapshot.metaData,
        configuration: snapshot.metaData.configuration ?? {},
        format: { provider: "parquet", options: {} },
      },
    },
    ...[...snapshot.txns.values()].map((txn) => ({ txn })),
    ...snapshot.tombstones
      .filter((r) => (r.deletionTimestamp ?? 0) > since)
      .map((remove) => ({ remove: { ...remove, dataChange: false } })),
    ...snapshot.files.map((add) => ({ add: { ...add, dataChange: false } })),
  ];
  const json = actions.map((a) => JSON.stringify(a));
  // DuckDB allocates twice this for reading.
  const longest = Math.max(
    1 << 20,
    json.reduce((most, line) => Math.max(most, 2 * Buffer.byteLength(line)), 0),
  );
  const lines = join(engine.scratch, `${randomUUID()}.jsonl`);
  const temporary = join(engine.scratch, `${randomUUID()}.parquet`);
  try {
    await writeFile(lines, json.join("\n"));
    await engine.session(undefined, (session) =>
      session.run(
        `COPY (SELECT * FROM read_json(${quoteLiteral(lines)}, format = 'newline_delimited', columns = ${COLUMNS}, maximum_object_size = ${longest}))
         TO ${quoteLiteral(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
      ),
    );
    const { size: sizeInBytes } = await stat(temporary);
    await log.store.take(temporary, log.key(snapshot.table, name));
    const numOfAddFiles = snapshot.files.length;
    const last = { version: snapshot.version, size: actions.length, sizeInBytes, numOfAddFiles };
    await log.store.put(log.key(snapshot.table, "_last_checkpoint"), Buffer.from(JSON.stringify(last)));
  } finally {
    await rm(lines, { force: true });
    await rm(temporary, { force: true });
  }
}
