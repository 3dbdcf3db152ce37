import { z } from "zod";

/*
 * The actions of Delta's log that this lake reads and writes (protocol: PROTOCOL.md of delta-io/delta). Unknown actions
 * are allowed only where the protocol demands no feature for them.
 */

const Partitions = z.record(z.string(), z.string().nullable());

const DeletionVector = z.object({
  storageType: z.string(),
  pathOrInlineDv: z.string(),
  offset: z.number().nullish(),
});

export const AddFile = z.object({
  path: z.string(),
  partitionValues: Partitions.nullish().transform((v) => v ?? {}),
  size: z.number(),
  modificationTime: z.number(),
  dataChange: z.boolean(),
  stats: z.string().nullish(),
  deletionVector: DeletionVector.nullish(),
});
export type AddFile = z.infer<typeof AddFile>;

export const RemoveFile = z.object({
  path: z.string(),
  deletionTimestamp: z.number().nullish(),
  dataChange: z.boolean(),
  extendedFileMetadata: z.boolean().nullish(),
  partitionValues: Partitions.nullish(),
  size: z.number().nullish(),
  deletionVector: DeletionVector.nullish(),
});
export type RemoveFile = z.infer<typeof RemoveFile>;

export const MetaData = z.object({
  id: z.string(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  format: z.object({ provider: z.string(), options: z.record(z.string(), z.string().nullable()).nullish() }),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()),
  createdTime: z.number().nullish(),
  configuration: z.record(z.string(), z.string().nullable()).nullish(),
});
export type MetaData = z.infer<typeof MetaData>;

export const Protocol = z.object({
  minReaderVersion: z.number(),
  minWriterVersion: z.number(),
  readerFeatures: z.array(z.string()).nullish(),
  writerFeatures: z.array(z.string()).nullish(),
});
export type Protocol = z.infer<typeof Protocol>;

export const Txn = z.object({ appId: z.string(), version: z.number(), lastUpdated: z.number().nullish() });
export type Txn = z.infer<typeof Txn>;

/** What this lake notes about its own commits, inside commitInfo. */
export const CommitNote = z.object({
  txn: z.object({ appId: z.string(), version: z.number() }),
  rowsWritten: z.number(),
  rowsRemoved: z.number(),
  info: z.record(z.string(), z.json()),
});
export type CommitNote = z.infer<typeof CommitNote>;

/** One line of a commit, or one row of a checkpoint (which spells out the absent ones as null). */
export const Action = z.object({
  add: AddFile.nullish(),
  remove: RemoveFile.nullish(),
  metaData: MetaData.nullish(),
  protocol: Protocol.nullish(),
  txn: Txn.nullish(),
  commitInfo: z
    .looseObject({
      timestamp: z.number().optional().catch(undefined),
      operation: z.string().optional().catch(undefined),
      dagwright: CommitNote.optional().catch(undefined),
    })
    .nullish(),
});
export type Action = z.infer<typeof Action>;

const Field = z.object({
  name: z.string(),
  type: z.union([z.string(), z.looseObject({})]),
  nullable: z.boolean(),
  metadata: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((v) => v ?? {}),
});

export const TableSchema = z.object({ type: z.literal("struct"), fields: z.array(Field) });

/** A column as Delta writes it. */
export interface DeltaField {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** `00000000000000000010` */
export function versionName(version: number): string {
  return String(version).padStart(20, "0");
}
