import { nearest } from "@dagwright/mcp-kit/nearest";

/** Every name that an object may bear: one that is forgotten does not compile. */
export type Names<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Tells of what an object says that nobody reads: a misspelt name, or another tool's. The types do as well, but DAG
 * files run without a compiler.
 */
export function checkNames(given: object, names: Names<object>, mistake: (message: string) => void): void {
  const known = Object.keys(names);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const meant = known.includes(camel) ? camel : nearest(name, known);
    mistake(
      `there is no option ${JSON.stringify(name)}${meant === undefined ? `; there are ${known.join(", ")}` : `; did you mean "${meant}"?`}`,
    );
  }
}
