import { deltaToSpark, duckToDelta, widens } from "./column-types.ts";
import type { DeltaField } from "./delta-actions.ts";
import type { Session } from "./engine.ts";
import { LakeError } from "./errors.ts";

/** The columns of the rows to be written (`__incoming`), in Delta's types. */
export async function incomingColumns(session: Session): Promise<DeltaField[]> {
  const result = await session.run("SELECT * FROM __incoming LIMIT 0");
  const seen = new Set<string>();
  return result.columnNames().map((name, i) => {
    const duck = result.columnType(i).toString();
    const type = duckToDelta(duck);
    if (type === undefined) {
      throw new LakeError("UNSUPPORTED_TYPE", `The column ${name} is of type ${duck}, which a table cannot hold.`, {
        field: "sql",
        hint: "Cast it in the query.",
      });
    }
    if (seen.has(name.toLowerCase()))
      throw new LakeError("SCHEMA_MISMATCH", `The query has two columns named ${name}.`, { field: "sql" });
    seen.add(name.toLowerCase());
    if (/[,;{}()\n\t=]/.test(name))
      throw new LakeError(
        "SCHEMA_MISMATCH",
        `The column name ${JSON.stringify(name)} holds a character Delta forbids (,;{}()=, tab, newline).`,
        { field: "sql" },
      );
    return { name, type };
  });
}

/** The table's own columns, if the query's rows fit into them without losing anything. */
export function conform(
  table: string,
  incoming: readonly DeltaField[],
  fields: readonly DeltaField[],
): readonly DeltaField[] {
  const problems: string[] = [];
  for (const field of fields) {
    const given = incoming.find((f) => f.name === field.name);
    if (!given) problems.push(`${field.name} is missing`);
    else if (!widens(given.type, field.type))
      problems.push(`${field.name} is ${deltaToSpark(given.type)}, the table has ${deltaToSpark(field.type)}`);
  }
  for (const given of incoming)
    if (!fields.some((f) => f.name === given.name)) problems.push(`${given.name} is no column of the table`);
  if (problems.length > 0)
    throw new LakeError("SCHEMA_MISMATCH", `The rows do not fit the table ${table}: ${problems.join("; ")}.`, {
      field: "sql",
    });
  return fields;
}
