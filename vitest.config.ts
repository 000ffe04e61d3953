import { defineConfig } from "vitest/config";

/**
 * `unit` needs nothing; `local` starts embedded parts of its own; `platform` talks HTTP and WebSocket to one platform
 * (the built Worker in workerd, a real Postgres, a real agent) that is started once for all its files.
 */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "unit", include: ["{src,trainer,agent}/**/*.test.ts"] } },
      { extends: true, test: { name: "local", include: ["local/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "platform",
          include: ["test/**/*.test.ts"],
          globalSetup: "test/support/global-setup.ts",
        },
      },
    ],
  },
});
