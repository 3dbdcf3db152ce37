import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source", "node"] },
  ssr: { resolve: { conditions: ["source", "node"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "mcp-servers/**/*.test.ts",
      "activities/**/*.test.ts",
      "workflows/**/*.test.ts",
      "client/**/*.test.ts",
      "worker/**/*.test.ts",
      "tests/**/*.test.ts",
    ],
    // Whole-system tests mostly wait: two files at once fit two cores.
    maxWorkers: 2,
    // A process per file would load the same modules two hundred times, which is a tenth of the whole.
    isolate: false,
    globalSetup: "tests/global-setup.ts",
    setupFiles: "tests/property-seed.ts",
    // Some packages publish TypeScript under the condition `source`: workers must be able to load it. A test that
    // registered tsx once more would have every module of its process, large ones too, transformed once more.
    execArgv: ["--import", "tsx"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
