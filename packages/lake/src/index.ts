export type {
  Columns,
  ColumnValues,
  ComputedColumns,
  CsvDialect,
  DataFile,
  Dialect,
  ExportResult,
  Json,
  Lake,
  LakeOptions,
  MergeOptions,
  MergeResult,
  QueryOptions,
  QueryResult,
  ReadColumnsOptions,
  ReplaceWhere,
  SourceColumn,
  Staged,
  StagedView,
  StageOptions,
  StageQueryOptions,
  TableRef,
  TableSnapshot,
  TableVersion,
  VacuumOptions,
  VacuumResult,
  View,
  WriteOptions,
  WriteResult,
} from "./api.ts";
export type { Column } from "./column-types.ts";
export { LakeError, type LakeErrorCode } from "./errors.ts";
export { keepText, objectNameOf, readText } from "./kept-text.ts";
export { openLake } from "./lake.ts";
export { nearestNames } from "./names.ts";
export type { ObjectStore, S3Options, StoredObject } from "./object-store.ts";
export { openObjectStore } from "./open-object-store.ts";
export type { Scalar } from "./scalars.ts";
