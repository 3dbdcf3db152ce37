import type { Comparison, RowCondition } from "./row-condition.ts";

const TOKEN =
  /\s*(?:date\(\s*(?<date>"[^"]*"|'[^']*')\s*\)|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`(?<quoted>[^`]+)`|col\(\s*"(?<column>[^"]+)"\s*\)|(?<method>\.\s*(?:is_?null|not_?null|is_?not_?null|isna|notna)\s*\(\s*\))|(?<word>[A-Za-z_]\w*)|(?<mark><=>|==|!=|<>|<=|>=|[=<>&|~()[\],]))/iy;

interface Token {
  readonly kind: "number" | "text" | "column" | "method" | "word" | "mark";
  readonly text: string;
}

/** Brackets and `not` within one another. */
const DEEPEST = 100;
const KEYWORDS = /^(and|or|not|in|is|null|true|false|none)$/i;
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  "=": "==",
  "==": "==",
  "!=": "!=",
  "<>": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};
const TURNED: Readonly<Record<Comparison, Comparison>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/**
 * Reads a row condition from text: comparisons of a column with a value or another column, chains (`0 < a <= 9`), `in`
 * and `not in`, tests for null, `and`, `or`, `not` and brackets. It is what the parsers of Great Expectations share:
 * pandas (`city == "Oslo" & price > 10`, `` `a b`.notnull() ``), Spark (`city = 'Oslo' AND price IS NOT NULL`) and its
 * own (`col("price") >= 10`, `col("day") > date("2026-01-31")`).
 *
 * @throws SyntaxError that names the place where the text is not understood.
 */
export function parseCondition(text: string): RowCondition {
  return new Parser(text, tokensOf(text)).whole();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) throw refused(text, text.slice(at).trim());
    const { number, text: quotedText = groups["date"], quoted, column, method, word, mark } = groups;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (quotedText !== undefined) tokens.push({ kind: "text", text: unquoted(quotedText) });
    else if (quoted !== undefined || column !== undefined)
      tokens.push({ kind: "column", text: quoted ?? column ?? "" });
    else if (method !== undefined)
      tokens.push({ kind: "method", text: /not/i.test(method) ? "is_not_null" : "is_null" });
    else if (word !== undefined) tokens.push({ kind: KEYWORDS.test(word) ? "word" : "column", text: word });
    else tokens.push({ kind: "mark", text: mark ?? "" });
  }
  return tokens;
}

function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, "$1");
}

function refused(text: string, at: string): SyntaxError {
  return new SyntaxError(
    `${JSON.stringify(text)} is not understood from ${JSON.stringify(at)}; expected comparisons of columns with values, in, is null, and, or, not`,
  );
}

type Operand = { readonly column: string } | { readonly value: string | number | boolean };

class Parser {
  #at = 0;
  #depth = 0;
  readonly #text: string;
  readonly #tokens: readonly Token[];

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  whole(): RowCondition {
    const condition = this.#either();
    if (this.#at < this.#tokens.length) throw this.#refused();
    return condition;
  }

  #either(): RowCondition {
    const sides = [this.#both()];
    while (this.#take("or") || this.#take("|")) sides.push(this.#both());
    return sides.length === 1 && sides[0] ? sides[0] : { or: sides };
  }

  #both(): RowCondition {
    const sides = [this.#single()];
    while (this.#take("and") || this.#take("&")) sides.push(this.#single());
    return sides.length === 1 && sides[0] ? sides[0] : { and: sides };
  }

  #single(): RowCondition {
    if (this.#take("not") || this.#take("~")) return { not: this.#deeper(() => this.#single()) };
    if (this.#take("(")) {
      const inner = this.#deeper(() => this.#either());
      if (!this.#take(")")) throw this.#refused();
      return inner;
    }
    return this.#comparison();
  }

  #deeper(read: () => RowCondition): RowCondition {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new SyntaxError(`a row condition may be nested ${DEEPEST} deep, no deeper`);
    const inner = read();
    this.#depth -= 1;
    return inner;
  }

  #comparison(): RowCondition {
    const first = this.#operand();
    const method = this.#tokens[this.#at];
    if ("column" in first) {
      const { column } = first;
      if (method?.kind === "method") {
        this.#at += 1;
        return { column, operator: method.text === "is_null" ? "is_null" : "is_not_null" };
      }
      if (this.#take("is")) {
        const not = this.#take("not");
        if (!this.#take("null") && !this.#take("none")) throw this.#refused();
        return { column, operator: not ? "is_not_null" : "is_null" };
      }
      if (this.#take("in")) return { column, operator: "in", value: this.#list() };
      const before = this.#at;
      if (this.#take("not") && this.#take("in")) return { column, operator: "not_in", value: this.#list() };
      this.#at = before;
    }
    const links: RowCondition[] = [];
    let left = first;
    for (let operator = this.#operator(); operator !== undefined; operator = this.#operator()) {
      const right = this.#operand();
      links.push(this.#link(left, operator, right));
      left = right;
    }
    const [only] = links;
    // A column alone is a column of yes and no.
    if (only === undefined) return "column" in first ? { ...first, operator: "==", value: true } : this.#fail();
    return links.length === 1 ? only : { and: links };
  }

  #link(left: Operand, operator: Comparison, right: Operand): RowCondition {
    if ("column" in left) {
      if ("column" in right) return { column: left.column, operator, other: right.column };
      return { column: left.column, operator, value: right.value };
    }
    return "column" in right ? { column: right.column, operator: TURNED[operator], value: left.value } : this.#fail();
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token?.kind === "column") return { column: token.text };
    if (token?.kind === "number") return { value: Number(token.text) };
    if (token?.kind === "text") return { value: token.text };
    if (token?.kind === "word" && /^(true|false)$/i.test(token.text)) return { value: /^true$/i.test(token.text) };
    this.#at -= 1;
    return this.#fail();
  }

  #operator(): Comparison | undefined {
    const token = this.#tokens[this.#at];
    const found = token?.kind === "mark" ? COMPARISONS[token.text] : undefined;
    if (found !== undefined) this.#at += 1;
    return found;
  }

  #list(): (string | number | boolean)[] {
    const close = this.#take("[") ? "]" : this.#take("(") ? ")" : this.#fail();
    const values: (string | number | boolean)[] = [];
    while (!this.#take(close)) {
      const operand = this.#operand();
      values.push("value" in operand ? operand.value : this.#fail());
      this.#take(",");
    }
    return values;
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if ((token?.kind !== "word" && token?.kind !== "mark") || token.text.toLowerCase() !== text) return false;
    this.#at += 1;
    return true;
  }

  #refused(): SyntaxError {
    const rest = this.#tokens.slice(this.#at, this.#at + 3).map((token) => token.text);
    return refused(this.#text, rest.length === 0 ? "its end" : rest.join(" "));
  }

  #fail(): never {
    throw this.#refused();
  }
}
