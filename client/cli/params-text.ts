import { z } from "zod";
import { table } from "./output.ts";

const Property = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  description: z.string().optional(),
});
const Schema = z.looseObject({
  properties: z.record(z.string(), Property).default({}),
  required: z.array(z.string()).default([]),
});

/** Params of a DAG (their JSON Schema) as a table: name, type, default, what they are. */
export function paramsText(schema: unknown): string {
  const parsed = Schema.safeParse(schema);
  const properties = parsed.success ? Object.entries(parsed.data.properties) : [];
  if (properties.length === 0) return "It takes no params";
  const required = new Set(parsed.success ? parsed.data.required : []);
  return table(
    ["PARAM", "TYPE", "DEFAULT", "MEANING"],
    properties.map(([name, property]) => [
      name,
      typeText(property),
      property.default === undefined ? (required.has(name) ? "(required)" : "") : JSON.stringify(property.default),
      property.description ?? "",
    ]),
  );
}

function typeText(property: z.infer<typeof Property>): string {
  if (property.enum !== undefined) return property.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (property.const !== undefined) return JSON.stringify(property.const);
  return [property.type ?? "any"].flat().join(" | ");
}
