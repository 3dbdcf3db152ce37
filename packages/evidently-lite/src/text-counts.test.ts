import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TextCounts } from "./text-counts.ts";

/** Of every length, many alike but for a letter somewhere. */
const text = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }), fc.constantFrom("a", "b", "ä"))
  .map(([length, at, letter]) => `${"x".repeat(Math.min(at, length))}${letter}${"x".repeat(Math.max(0, length - at))}`)
  .chain((made) => fc.constantFrom(made, made.slice(1), ""));

test("texts are counted as a map counts them, wherever their bytes begin", () =>
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 600 }), fc.integer({ min: 0, max: 7 }), (texts, lead) => {
      const encoder = new TextEncoder();
      const parts = texts.map((one) => encoder.encode(one));
      const offsets = new Int32Array(texts.length + 1).fill(lead);
      for (const [row, part] of parts.entries()) offsets[row + 1] = (offsets[row] ?? 0) + part.length;
      const bytes = new Uint8Array(offsets.at(-1) ?? 0);
      for (const [row, part] of parts.entries()) bytes.set(part, offsets[row]);
      const counted = new TextCounts();
      const half = Math.floor(texts.length / 2);
      counted.addRows(new DataView(bytes.buffer), offsets, 0, half);
      counted.addRows(new DataView(bytes.buffer), offsets, half, texts.length);
      const wanted = new Map<string, number>();
      for (const one of texts) wanted.set(one, (wanted.get(one) ?? 0) + 1);
      expect([...counted.into(new Map())]).toEqual([...wanted]);
    }),
    { numRuns: 100 },
  ));
