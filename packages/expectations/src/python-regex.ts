import { NotEvaluableError } from "./errors.ts";

/** A Python regular expression in the forms that are run here. */
export interface Regex {
  /** For RE2 (DuckDB), Java (Spark) and Rust (Sail) alike; absent where one of them would see it differently. */
  readonly engine?: string;
  /** Whether a text matches somewhere. */
  test(text: string): boolean;
}

// Python's classes are Unicode's; so said, every engine reads them alike.
const CLASSES: Readonly<Record<string, string>> = {
  w: "\\p{L}\\p{N}_",
  d: "\\p{Nd}",
  s: "\\t\\n\\x0b\\f\\r\\x1c-\\x20\\x85\\p{Z}",
};
const WORD = `[${CLASSES["w"]}]`;
/** Marks that a class of JavaScript's sets must not hold as they are. */
const IN_CLASS = /[()[\]{}/\-\\|&!#$%*+,.:;<=>?@^`~"']/;

/**
 * Reads a regular expression of Python's `re`, whose syntax Great Expectations has.
 *
 * @throws NotEvaluableError when it is not one, or names something that no engine here has (conditionals, scoped flags
 * together with look-around).
 */
export function pythonRegex(pattern: string): Regex {
  const flags = /^\(\?([aimsux]+)\)/.exec(pattern);
  const given = flags?.[1] ?? "";
  if (given.includes("x") || given.includes("a")) {
    throw new NotEvaluableError(
      `The flags x and a of the regular expression ${JSON.stringify(pattern)} are not supported`,
    );
  }
  const body = pattern.slice(flags?.[0].length ?? 0);
  const read = new Reader(body, given.includes("m"));
  const { script, engine } = read.all();
  const jsFlags = `v${["i", "m", "s"].filter((flag) => given.includes(flag)).join("")}`;
  let compiled: RegExp | undefined;
  try {
    compiled = new RegExp(script, jsFlags);
  } catch (error) {
    // Scoped flags, `(?i:…)`, are the engines' alone.
    if (engine === undefined || !/\(\?[ims-]+:/.test(body)) {
      throw new NotEvaluableError(
        `${JSON.stringify(pattern)} is not a regular expression: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  const prefix = given.replaceAll(/[^ims]/g, "");
  return {
    ...(engine !== undefined && { engine: prefix === "" ? engine : `(?${prefix})${engine}` }),
    test: (text) => {
      if (compiled === undefined) throw new NotEvaluableError(`${JSON.stringify(pattern)} runs on an engine only`);
      return compiled.test(text);
    },
  };
}

class Reader {
  #at = 0;
  #native = true;
  readonly #pattern: string;
  readonly #multiline: boolean;

  constructor(pattern: string, multiline: boolean) {
    this.#pattern = pattern;
    this.#multiline = multiline;
  }

  all(): { script: string; engine?: string } {
    let script = "";
    let engine = "";
    while (this.#at < this.#pattern.length) {
      const [forScript, forEngine] = this.#next();
      script += forScript;
      engine += forEngine;
    }
    return this.#native ? { script, engine } : { script };
  }

  #next(): readonly [string, string] {
    const rest = this.#pattern.slice(this.#at);
    const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (character === "\\") return this.#escape(rest);
    if (character === "[") return this.#class();
    if (character === "(" && rest[1] === "?") return this.#group(rest);
    if (character === "$" && !this.#multiline) {
      this.#at += 1;
      // Before a newline at the end, too.
      if (this.#at < this.#pattern.length && !/^[)|]/.test(this.#pattern.slice(this.#at))) this.#native = false;
      return ["(?=\\n?$)", "\\n?\\z"];
    }
    const least = /^\{,(\d+)\}/.exec(rest);
    if (least !== null) return this.#take(least[0], `{0,${least[1]}}`);
    // A brace that begins no repetition is itself.
    if (character === "{" && !/^\{\d+(,\d*)?\}/.test(rest)) return this.#take("{", "\\{");
    if (character === "}" && !/\{\d*,?\d*$/.test(this.#pattern.slice(0, this.#at))) return this.#take("}", "\\}");
    if (character === "]") return this.#take("]", "\\]");
    // Possessive repetition.
    if (
      character === "+" &&
      /[*+?}]$/.test(this.#pattern.slice(0, this.#at)) &&
      !/\\.$/.test(this.#pattern.slice(0, this.#at))
    ) {
      this.#native = false;
    }
    return this.#take(character, character);
  }

  #take(text: string, script: string, engine = script): readonly [string, string] {
    this.#at += text.length;
    return [script, engine];
  }

  #escape(rest: string): readonly [string, string] {
    const next = rest[1] ?? "";
    const lower = next.toLowerCase();
    const inside = CLASSES[lower];
    if (inside !== undefined) return this.#take(rest.slice(0, 2), `[${next === lower ? "" : "^"}${inside}]`);
    if (next === "A") return this.#take("\\A", "(?<![\\s\\S])", "\\A");
    if (next === "Z") return this.#take("\\Z", "(?![\\s\\S])", "\\z");
    if (next === "b" || next === "B") {
      this.#native = false;
      const border = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;
      return this.#take(rest.slice(0, 2), next === "b" ? border : `(?!${border})`);
    }
    const octal = /^\\(?:0[0-7]{0,2}|[1-3][0-7]{2})/.exec(rest);
    if (octal !== null) {
      const value = Number.parseInt(octal[0].slice(1), 8).toString(16);
      return this.#take(octal[0], `\\u{${value}}`, `\\x{${value}}`);
    }
    if (/[1-9]/.test(next)) {
      this.#native = false;
      return this.#take(rest.slice(0, 2), rest.slice(0, 2));
    }
    const code = /^\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/.exec(rest);
    if (code !== null) {
      const value = Number.parseInt(code[0].slice(2), 16);
      return this.#take(code[0], `\\u{${value.toString(16)}}`, `\\x{${value.toString(16)}}`);
    }
    if (/[fnrtv]/.test(next)) return this.#take(rest.slice(0, 2), next === "v" ? "\\x0b" : `\\${next}`);
    if (next === "a") return this.#take("\\a", "\\x07");
    if (/[A-Za-z]/.test(next) || next === "") throw this.#bad(`\\${next}`);
    const plain = /[$()*+.?[\\\]^{|}/]/.test(next) ? `\\${next}` : next;
    return this.#take(rest.slice(0, 2), plain);
  }

  #class(): readonly [string, string] {
    const start = this.#at;
    this.#at += 1;
    const negated = this.#pattern[this.#at] === "^";
    if (negated) this.#at += 1;
    let script = "";
    let engine = "";
    let first = true;
    for (;;) {
      const character = this.#pattern[this.#at];
      if (character === undefined) throw this.#bad(this.#pattern.slice(start));
      if (character === "]" && !first) break;
      first = false;
      if (character === "\\") {
        const next = this.#pattern[this.#at + 1] ?? "";
        const inside = CLASSES[next.toLowerCase()];
        if (inside !== undefined) {
          this.#at += 2;
          if (next === next.toLowerCase()) {
            script += inside;
            engine += inside;
          } else {
            this.#native = false;
            script += `[^${inside}]`;
          }
          continue;
        }
        if (next === "b") {
          this.#at += 2;
          script += "\\x08";
          engine += "\\x08";
          continue;
        }
        const [forScript, forEngine] = this.#escape(this.#pattern.slice(this.#at));
        script += forScript.length === 1 && IN_CLASS.test(forScript) ? `\\${forScript}` : forScript;
        engine += forEngine.length === 1 && IN_CLASS.test(forEngine) ? `\\${forEngine}` : forEngine;
        continue;
      }
      const isRange =
        character === "-" &&
        script !== "" &&
        this.#pattern[this.#at + 1] !== "]" &&
        this.#at > start + (negated ? 2 : 1);
      const escaped = IN_CLASS.test(character) && !isRange ? `\\${character}` : character;
      script += escaped;
      engine += escaped;
      this.#at += 1;
    }
    this.#at += 1;
    const open = negated ? "[^" : "[";
    return [`${open}${script}]`, `${open}${engine}]`];
  }

  #group(rest: string): readonly [string, string] {
    const named = /^\(\?P<(\w+)>/.exec(rest);
    if (named !== null) return this.#take(named[0], `(?<${named[1]}>`, "(");
    const again = /^\(\?P=(\w+)\)/.exec(rest);
    if (again !== null) {
      this.#native = false;
      return this.#take(again[0], `\\k<${again[1]}>`);
    }
    const comment = /^\(\?#[^)]*\)/.exec(rest);
    if (comment !== null) return this.#take(comment[0], "");
    const around = /^\(\?(?:=|!|<=|<!)/.exec(rest);
    if (around !== null) {
      this.#native = false;
      return this.#take(around[0], around[0]);
    }
    const plain = /^\(\?(?:[ims]*(?:-[ims]+)?):/.exec(rest);
    if (plain !== null) return this.#take(plain[0], plain[0]);
    throw this.#bad(rest.slice(0, 4));
  }

  #bad(part: string): NotEvaluableError {
    return new NotEvaluableError(
      `${JSON.stringify(this.#pattern)} is not a regular expression that is known here, at ${JSON.stringify(part)}`,
    );
  }
}
