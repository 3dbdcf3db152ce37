import { deltaToSpark, duckToDelta, widens } from "./column-types.ts";
import type { DeltaField } from "./delta-actions.ts";
import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";

/** The columns of a query whose rows are to be written, in Delta's types. */
export async function incomingColumns(session: Session, query: string, bindings: Bindings): Promise<DeltaField[]> {
  const result = await session.run(`${query} LIMIT 0`, bindings);
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
    return { name, type, nullable: true, metadata: {} };
  });
}

/**
 * The table's columns after a write, if the query's rows fit into them without losing anything.
 * @param evolve.add new columns are added after the table's own
 * @param evolve.lack what the query lacks is null
 */
export function conform(
  table: string,
  incoming: readonly DeltaField[],
  fields: readonly DeltaField[],
  evolve: { readonly add: boolean; readonly lack: boolean },
): readonly DeltaField[] {
  const problems: string[] = [];
  for (const field of fields) {
    const given = incoming.find((f) => f.name === field.name);
    if (given && !widens(given.type, field.type))
      problems.push(`${field.name} is ${deltaToSpark(given.type)}, the table has ${deltaToSpark(field.type)}`);
    if (!given && !(evolve.lack && field.nullable))
      problems.push(`${field.name} (${deltaToSpark(field.type)}) is missing`);
  }
  const added = incoming.filter((given) => !fields.some((f) => f.name === given.name));
  for (const given of added) {
    const twin = fields.find((f) => f.name.toLowerCase() === given.name.toLowerCase());
    if (twin) problems.push(`${given.name} differs from the table's ${twin.name} only in case`);
    else if (!evolve.add) problems.push(`${given.name} (${deltaToSpark(given.type)}) is no column of the table`);
  }
  if (problems.length === 0) return evolve.add ? [...fields, ...added] : fields;
  throw new LakeError("SCHEMA_MISMATCH", `The rows do not fit the table ${table}: ${problems.join("; ")}.`, {
    field: "sql",
    hint: "Select the table's columns by their names and types; mergeSchema: true adds new columns and leaves missing ones null.",
  });
}
