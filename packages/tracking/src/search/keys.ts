import { TrackingError } from "../errors.ts";
import { unquoted } from "./comparisons.ts";

/**
 * What an identifier of a filter means where there are attributes and tags only.
 * @param columns attributes and their columns
 * @throws INVALID_ARGUMENT
 */
export function tagOrAttribute(
  identifier: string,
  columns: Readonly<Record<string, string>>,
): { readonly tag: boolean; readonly key: string } {
  const dot = identifier.indexOf(".");
  const entity = dot < 0 ? "attribute" : unquoted(identifier.slice(0, dot));
  if (!["attribute", "tag", "tags"].includes(entity))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid entity type '${entity}'. Valid entity types are ('attribute', 'tag', 'tags')`,
      { field: "filter" },
    );
  const key = unquoted(identifier.slice(dot + 1));
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
