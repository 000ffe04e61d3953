import { defineConfig } from "vitest/config";

/** Tests of the code's own text, which need nothing running. */
const OF_THE_TEXT = ["test/architecture.test.ts", "test/readme.test.ts"];

/**
 * `unit` needs nothing; `local` starts embedded parts of its own; `platform` talks HTTP and WebSocket to one platform
 * (the built Worker in workerd, a real Postgres, a real agent) that is started once for all its files.
 */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two more than the cores it is made for: some tests wait for a lease or a lock to end.
    maxWorkers: 4,
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["{src,trainer,agent}/**/*.test.ts", ...OF_THE_TEXT] },
      },
      { extends: true, test: { name: "local", include: ["local/**/*.test.ts"] } },
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
