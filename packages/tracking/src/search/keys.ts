import { TrackingError } from "../errors.ts";
import { unquoted } from "./comparisons.ts";

/**
 * What an identifier of a filter means where there are attributes and tags only.
 * @param columns attributes and their columns
 * @param quotes whether an attribute may stand in quotes: of experiments it may, of models and versions it may not
 * @throws INVALID_ARGUMENT
 */
export function tagOrAttribute(
  identifier: string,
  columns: Readonly<Record<string, string>>,
  { quotes }: { readonly quotes: boolean },
): { readonly tag: boolean; readonly key: string } {
  const dot = identifier.indexOf(".");
  const entity = dot < 0 ? "attribute" : identifier.slice(0, dot);
  if (!["attribute", "tag", "tags"].includes(entity))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid entity type '${entity}'. Valid entity types are ('attribute', 'tag', 'tags')`,
      { field: "filter" },
    );
  const word = identifier.slice(dot + 1);
  const key = entity !== "attribute" || quotes ? unquoted(word) : word;
  if (entity === "attribute" && !Object.hasOwn(columns, key)) {
    const list = Object.keys(columns).map((one) => `'${one}'`);
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid attribute key '${key}' specified. Valid keys are '{${list.join(", ")}}'`,
      { field: "filter" },
    );
  }
  return { tag: entity !== "attribute", key };
}
