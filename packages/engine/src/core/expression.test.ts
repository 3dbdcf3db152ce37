import { describe, expect, it } from "vitest";
import { RUN } from "./fixtures/graph-of.ts";
import { type Expression, readExpression } from "./index.ts";

const tasks = {
  a: { state: "success", attempts: 1, lost: 0, output: { rows: [{ path: "x" }], note: null } },
  b: { state: "skipped", attempts: 0, lost: 0 },
} as const;
const read = (expression: Expression) => readExpression(expression, { tasks, params: { source: "file" }, run: RUN });
const node = (id: string, ...path: (string | number)[]): Expression => ({ kind: "node", node: id, path });

describe("readExpression", () => {
  it("indexes and dots into outputs, params and the run", () => {
    expect(read(node("a", "rows", 0, "path"))).toBe("x");
    expect(read({ kind: "params", path: ["source"] })).toBe("file");
    expect(read({ kind: "run", path: ["dataInterval", "end"] })).toBe("2026-01-02T00:00:00Z");
  });

  it("reads null where a node gave nothing, and leaves out a field that an output lacks", () => {
    const object: Expression = {
      kind: "object",
      fields: { gone: node("b", "x"), lacking: node("a", "y"), note: node("a", "note") },
    };
    expect(read(object)).toEqual({ gone: null, note: null });
    expect(read({ kind: "array", items: [node("a", "y")] })).toEqual([null]);
    expect(read(node("a", "y"))).toBeNull();
  });

  it("sees own fields only", () => {
    expect(read(node("a", "constructor"))).toBeNull();
    expect(read(node("a", "rows", "length"))).toBeNull();
  });
});
