import { afterEach, expect, it, vi } from "vitest";
import { EXIT, showError } from "./output.ts";

afterEach(() => vi.restoreAllMocks());

it("a request that names a wrong pool or a DAG without a schedule is the request's mistake", () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  for (const code of ["INVALID_POOL", "POOL_NOT_FOUND", "NO_SCHEDULE", "CONTROLLER_NOT_FOUND", "INVALID_ASSET"])
    expect(showError({ code, message: "no" }, false), code).toBe(EXIT.usage);
  expect(showError({ code: "TEMPORAL_UNREACHABLE", message: "no" }, false)).toBe(EXIT.failed);
});
