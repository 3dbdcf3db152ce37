import { randomUUID } from "node:crypto";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { versionName } from "./delta-actions.ts";
import type { Snapshot } from "./delta-log.ts";
import type { Engine } from "./engine.ts";
import { LogStore, syncPath } from "./log-store.ts";
import { quoteLiteral } from "./names.ts";

/** Removed files are repeated in checkpoints this long (Delta's default retention of deleted files). */
const TOMBSTONES_MS = 7 * 24 * 3600 * 1000;

/** The columns of a classic checkpoint, as DuckDB types. */
const COLUMNS = `{
  protocol: 'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER)',
  "metaData": 'STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, "options" MAP(VARCHAR, VARCHAR)), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], "configuration" MAP(VARCHAR, VARCHAR), "createdTime" BIGINT)',
  txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
  "add": 'STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), size BIGINT, "modificationTime" BIGINT, "dataChange" BOOLEAN, stats VARCHAR)',
  remove: 'STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN, "partitionValues" MAP(VARCHAR, VARCHAR), size BIGINT)'
}`;

/** Writes the classic checkpoint of a snapshot and points `_last_checkpoint` to it. Any writer may do so, more than once. */
export async function writeCheckpoint(engine: Engine, snapshot: Snapshot): Promise<void> {
  const store = new LogStore(snapshot.folder);
  const name = `${versionName(snapshot.version)}.checkpoint.parquet`;
  const since = Date.now() - TOMBSTONES_MS;
  const actions = [
    {
      protocol: {
        minReaderVersion: snapshot.protocol.minReaderVersion,
        minWriterVersion: snapshot.protocol.minWriterVersion,
      },
    },
    {
      metaData: {
        ...snapshot.metaData,
        configuration: snapshot.metaData.configuration ?? {},
        format: { provider: "parquet", options: {} },
      },
    },
    ...[...snapshot.txns.values()].map((txn) => ({ txn })),
    ...[...snapshot.tombstones.values()]
      .filter((r) => (r.deletionTimestamp ?? 0) > since)
      .map((remove) => ({ remove: { ...remove, dataChange: false } })),
    ...[...snapshot.files.values()].map((add) => ({ add: { ...add, dataChange: false } })),
  ];
  const json = actions.map((a) => JSON.stringify(a));
  // DuckDB allocates twice this for reading.
  const longest = Math.max(
    1 << 20,
    json.reduce((most, line) => Math.max(most, 2 * Buffer.byteLength(line)), 0),
  );
  const lines = join(engine.scratch, `${randomUUID()}.jsonl`);
  const temporary = join(store.folder, `.${name}.${randomUUID()}.tmp`);
  try {
    await writeFile(lines, json.join("\n"));
    await engine.session(undefined, (session) =>
      session.run(
        `COPY (SELECT * FROM read_json(${quoteLiteral(lines)}, format = 'newline_delimited', columns = ${COLUMNS}, maximum_object_size = ${longest}))
         TO ${quoteLiteral(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
      ),
    );
    await syncPath(temporary);
    await rename(temporary, join(store.folder, name));
    const { size: sizeInBytes } = await stat(join(store.folder, name));
    await store.put(
      "_last_checkpoint",
      JSON.stringify({
        version: snapshot.version,
        size: actions.length,
        sizeInBytes,
        numOfAddFiles: snapshot.files.size,
      }),
    );
  } finally {
    await rm(lines, { force: true });
    await rm(temporary, { force: true });
  }
}
