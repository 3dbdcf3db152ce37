import type { Json } from "../core/graph.ts";
import type { TaskLog } from "../language/context.ts";
import { plainJson } from "../logs/log-line.ts";
import type { TaskOutcome } from "./outcome.ts";
import { formsOfSecret, SHORTEST_SECRET } from "./secret-forms.ts";

const MASK = "***";

/** Words that are no secrets wherever they come from. */
const HARMLESS = new Set(["true", "false", "null", "localhost", "127.0.0.1"]);

/** The shortest secret of digits that is looked for among numbers: shorter ones are counts and years. */
const SHORTEST_NUMBER = 6;

/**
 * Knows the secrets that tasks were given, and replaces them by `***` in what leaves an attempt. It forgets none: what
 * one task was given may come out of another, through a client that both use.
 */
export class Redactor {
  private readonly secrets = new Set<string>();
  private forms: readonly string[] = [];

  /** Takes note of a secret; a text of fewer than 4 characters is none. */
  learn(secret: string): void {
    if (secret.length < SHORTEST_SECRET || HARMLESS.has(secret) || this.secrets.has(secret)) return;
    this.secrets.add(secret);
    this.forms = [...new Set([...this.forms, ...formsOfSecret(secret)])];
  }

  /** Takes note of every text in a value. */
  learnAll(value: unknown): void {
    if (typeof value === "string") this.learn(value);
    else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) this.learnAll(one);
  }

  readonly text = (text: string): string => {
    let told = text;
    // Again: what stands around a mask may be another secret. Each round is shorter, so there is a last one.
    for (;;) {
      const spans = this.spansIn(told);
      if (spans.length === 0) return told;
      told = masked(told, spans);
    }
  };

  /** The same of all texts in a value, names of fields included. */
  json(value: Json): Json {
    if (this.secrets.size === 0) return value;
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") return this.isSecretNumber(value) ? MASK : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item: Json) => this.json(item));
    const entries: [string, Json][] = Object.entries(value);
    return Object.fromEntries(entries.map(([key, field]) => [this.text(key), this.json(field)]));
  }

  /** A log whose lines hold no secret. */
  log(log: TaskLog): TaskLog {
    const write =
      (level: keyof TaskLog): TaskLog[keyof TaskLog] =>
      (message, fields) => {
        if (this.secrets.size === 0 || fields === undefined) log[level](this.text(message), fields);
        else log[level](this.text(message), Object(this.json(plainJson(fields))));
      };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }

  /** How an attempt ended, without secrets. An output that held one is told in the log: it is not what the task gave. */
  outcome(outcome: TaskOutcome, log: TaskLog): TaskOutcome {
    if (this.secrets.size === 0) return outcome;
    if (outcome.type === "skipped") return { ...outcome, reason: this.text(outcome.reason) };
    if (outcome.type === "failed") {
      const { retryable, ...texts } = outcome.error;
      const entries = Object.entries(texts).map(([name, text]) => [name, text === undefined ? text : this.text(text)]);
      return { type: "failed", error: { ...outcome.error, ...Object.fromEntries(entries), retryable } };
    }
    if (outcome.type === "not_yet") return outcome;
    const output = this.json(outcome.output);
    if (JSON.stringify(output) !== JSON.stringify(outcome.output))
      log.warn(`Its output held a secret: it is kept with ${MASK} in its place`);
    const { emitted } = outcome;
    const shown = emitted?.map(({ uri, extra }) => ({ uri, extra: this.fields(extra) }));
    return { type: "success", output, ...(shown === undefined ? {} : { emitted: shown }) };
  }

  private fields(extra: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
    return Object.fromEntries(Object.entries(extra).map(([key, value]) => [this.text(key), this.json(value)]));
  }

  private isSecretNumber(value: number): boolean {
    const text = String(value);
    return text.length >= SHORTEST_NUMBER && this.secrets.has(text);
  }

  private spansIn(text: string): [number, number][] {
    const spans: [number, number][] = [];
    for (const form of this.forms) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) spans.push([at, at + form.length]);
    }
    return spans.sort(([a], [b]) => a - b);
  }
}

/** One mask for each stretch of secrets that overlap. */
function masked(text: string, spans: readonly [number, number][]): string {
  let told = "";
  let end = 0;
  for (const [from, to] of spans) {
    if (from >= end) told += text.slice(end, from) + MASK;
    end = Math.max(end, to);
  }
  return told + text.slice(end);
}
