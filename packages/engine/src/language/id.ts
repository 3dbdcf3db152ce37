const ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;

/** Whether a text can be the id of a DAG, node or pool: letters, digits, `_`, `-`, `.`; it does not begin with `-` or `.`. */
export function isId(text: unknown): text is string {
  return typeof text === "string" && ID.test(text) && text !== "__proto__";
}
