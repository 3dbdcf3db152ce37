import type { z } from "zod";

export { ToolError } from "./errors.ts";

/** What an agent or a scheduler may assume about a tool before it calls it (MCP tool annotations). */
export interface ToolAnnotations {
  /** Changes nothing. @default false */
  readonly readOnly?: boolean;
  /** May delete or replace what was there. @default false */
  readonly destructive?: boolean;
  /** Twice with the same arguments leaves the same as once. @default false */
  readonly idempotent?: boolean;
}

/** One tool: what it takes and gives, in zod, and one sentence that says what it does. */
export interface ToolContract<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  readonly description: string;
  readonly input: I;
  readonly output: O;
  readonly annotations?: ToolAnnotations;
}

/** One MCP server as its callers see it: a name, a sentence, and tools. */
export interface Contract<
  N extends string = string,
  T extends Record<string, ToolContract> = Record<string, ToolContract>,
> {
  readonly name: N;
  readonly instructions: string;
  readonly tools: T;
}

/** The arguments of a tool as a caller writes them: fields with a default may be left out. */
export type ToolInput<C extends Contract, K extends keyof C["tools"]> = z.input<C["tools"][K]["input"]>;
/** The arguments of a tool as its handler reads them: defaults are filled in. */
export type ToolArguments<C extends Contract, K extends keyof C["tools"]> = z.output<C["tools"][K]["input"]>;
/** What a tool answers (its `structuredContent`). */
export type ToolOutput<C extends Contract, K extends keyof C["tools"]> = z.output<C["tools"][K]["output"]>;

/**
 * Declares an MCP server by its tools. Callers import the contract only; `implement` joins it to functions.
 *
 * @example
 * export const clock = defineContract({ name: "clock", instructions: "Tells the time.", tools: {
 *   now: { description: "The time in UTC.", input: z.object({}), output: z.object({ now: z.iso.datetime() }) } } });
 */
export function defineContract<const N extends string, const T extends Record<string, ToolContract>>(
  contract: Contract<N, T>,
): Contract<N, T> {
  return contract;
}

/** A typed way to a server's tools, as a stage has it by `ctx.mcp(contract)`. */
export interface ToolClient<C extends Contract> {
  /**
   * Calls one tool and returns its `structuredContent`.
   * @throws ToolError with the server's code, message, field and hint when the tool answers `isError`.
   */
  call<K extends keyof C["tools"] & string>(tool: K, input: ToolInput<C, K>): Promise<ToolOutput<C, K>>;
}

/** How far a long call has come: `done` of `total` (unit is the caller's: rows, trees, files), with a short note. */
export interface Progress {
  readonly done: number;
  readonly total?: number | undefined;
  readonly note?: string | undefined;
}
