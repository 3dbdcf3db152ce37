import { z } from "zod";
import { deltaToSpark } from "./column-types.ts";
import { type DeltaField, type MetaData, type Protocol, TableSchema } from "./delta-actions.ts";
import { LakeError } from "./errors.ts";

/*
 * What a table may ask of its readers and writers. Whatever is not known to be honoured here is refused: a feature that
 * is only named in the protocol and not in use changes nothing.
 */

/** Features that ask nothing of a reader unless a file or a property says so, which is looked for. */
const READABLE = new Set(["deletionVectors", "columnMapping", "vacuumProtocolCheck", "timestampNtz"]);

/** Features of writers that ask nothing unless a property or a column says so, which is looked for. */
const WRITABLE = new Set([
  "appendOnly",
  "invariants",
  "checkConstraints",
  "changeDataFeed",
  "generatedColumns",
  "identityColumns",
  ...READABLE,
]);

/** @throws LakeError TABLE_UNSUPPORTED when rows read from the table could be wrong */
export function checkReadable(table: string, protocol: Protocol, metaData: MetaData): void {
  const version = protocol.minReaderVersion;
  if (version > 3) throw unsupported(table, `it needs Delta reader version ${version}`);
  const unknown = (protocol.readerFeatures ?? []).filter((f) => !READABLE.has(f));
  if (unknown.length > 0) throw unsupported(table, `it needs readers that know ${unknown.join(", ")}`);
  if (metaData.format.provider !== "parquet") throw unsupported(table, `its files are ${metaData.format.provider}`);
  const mapping = metaData.configuration?.["delta.columnMapping.mode"];
  if (mapping && mapping !== "none") throw unsupported(table, "it uses column mapping");
}

/** @throws LakeError TABLE_UNSUPPORTED when a write could break a promise of the table */
export function checkWritable(table: string, protocol: Protocol, metaData: MetaData, fields: readonly DeltaField[]) {
  if (protocol.minWriterVersion > 7)
    throw unsupported(table, `it needs Delta writer version ${protocol.minWriterVersion}`);
  const unknown = (protocol.writerFeatures ?? []).filter((f) => !WRITABLE.has(f));
  if (unknown.length > 0) throw unsupported(table, `it needs writers that know ${unknown.join(", ")}`);
  const properties = metaData.configuration ?? {};
  const constraint = Object.keys(properties).find((key) => key.startsWith("delta.constraints."));
  if (constraint) throw unsupported(table, `it has the constraint ${constraint.slice("delta.constraints.".length)}`);
  for (const property of ["delta.enableChangeDataFeed", "delta.enableRowTracking", "delta.enableIcebergCompatV1"])
    if (properties[property] === "true") throw unsupported(table, `its property ${property} is true`);
  for (const { name, metadata } of fields) {
    const asks = Object.keys(metadata).find(
      (key) => key === "delta.invariants" || key === "delta.generationExpression" || key.startsWith("delta.identity."),
    );
    if (asks) throw unsupported(table, `its column ${name} has ${asks}`);
  }
}

export function unsupported(table: string, why: string): LakeError {
  return new LakeError("TABLE_UNSUPPORTED", `The table ${table} cannot be used here: ${why}.`, {
    hint: "Use the engine Spark for it (SPARK_REMOTE), or write it anew without that feature.",
  });
}

/** @throws LakeError TABLE_UNREADABLE, or TABLE_UNSUPPORTED for columns of types that the lake does not hold */
export function parseSchema(table: string, schemaString: string): DeltaField[] {
  const schema = TableSchema.safeParse(parseJson(schemaString));
  if (!schema.success) {
    const why = z.prettifyError(schema.error);
    throw new LakeError("TABLE_UNREADABLE", `The schema of the table ${table} cannot be read: ${why}`);
  }
  return schema.data.fields.map(({ name, type, nullable, metadata }) => {
    if (typeof type !== "string" || deltaToSpark(type) === undefined) {
      throw unsupported(
        table,
        `its column ${name} is of type ${typeof type === "string" ? type : String(type["type"])}`,
      );
    }
    return { name, type, nullable, metadata };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
