import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepText, objectNameOf, readText } from "./kept-text.ts";
import type { ObjectStore } from "./object-store.ts";
import { openObjectStore } from "./open-object-store.ts";

let folder: string;
let store: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kept-"));
  store = await openObjectStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("names of any two texts differ, and are file names that no listing hides", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (one, other) => {
      const name = objectNameOf(one);
      expect(name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{15,96}$/);
      if (one !== other) expect(objectNameOf(other)).not.toBe(name);
    }),
  );
  expect(objectNameOf("daily/1998-01-31T00:00:00Z/quality")).toMatch(
    /^daily-1998-01-31T00-00-00Z-quality-[0-9a-f]{16}$/,
  );
});

test("a text is kept under its key, replaced whole, listed, and found at its URL", async () => {
  const key = `quality/${objectNameOf("..hidden")}.html`;
  await keepText(store, key, "<p>old</p>");
  const url = await keepText(store, key, "<p>ünew 🚀</p>");
  expect(await readText(store, key)).toBe("<p>ünew 🚀</p>");
  expect(await readFile(new URL(url), "utf8")).toBe("<p>ünew 🚀</p>");
  expect(await store.keys("quality/")).toEqual([key]);
  expect(await readText(store, "quality/none.html")).toBeUndefined();
});
