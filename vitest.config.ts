import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Tests of the code's own text, which need nothing running. */
const OF_THE_TEXT = ["test/architecture.test.ts", "test/readme.test.ts"];
/** Tests that start something: a program, a Worker, a store. */
const OF_PROGRAMS = ["{local,trainer,agent}/**/*.test.ts", "src/**/*.{workerd,conformance}.test.ts"];

/**
 * `unit` needs nothing, and its files keep nothing between tests that another could meet, so they share processes;
 * `local` starts parts of its own; `platform` talks HTTP and WebSocket to one platform (the built Worker in workerd, a
 * real Postgres, a real agent) that is started once for all its files.
 */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two more than the cores it is made for: some tests wait for a lease or a lock to end.
    maxWorkers: 4,
    // Each file and many a test starts Node anew: what it runs is stripped of types and compiled once.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "myelin-compiled") },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", ...OF_THE_TEXT],
          exclude: OF_PROGRAMS,
          isolate: false,
        },
      },
      { extends: true, test: { name: "local", include: OF_PROGRAMS } },
      {
        extends: true,
        test: {
          name: "platform",
          include: ["test/**/*.test.ts"],
          exclude: OF_THE_TEXT,
          globalSetup: "test/support/global-setup.ts",
        },
      },
    ],
  },
});
