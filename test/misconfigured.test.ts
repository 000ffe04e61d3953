import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildWorker } from "../local/bundle.ts";
import { freePort } from "../local/free-port.ts";
import { startWorker } from "../local/worker-runtime.ts";
import { Client } from "./support/client.ts";
import { expectRefusal } from "./support/refusal.ts";

it("a Worker with bad settings says only that, in the one shape, and the rest to its log", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "myelin-misconfigured-"));
  const logged: string[] = [];
  const worker = await startWorker({
    ...{ workerDir: await buildWorker(), host: "127.0.0.1", port: await freePort(), stateDir },
    vars: {
      DATABASE_URL: "postgres://a:hush@b/c",
      JWT_SECRET: "x".repeat(32),
      LOG_LEVEL: "zz",
      S3_BUCKET: "b",
    },
    log: (line) => logged.push(line),
    onRestart: () => {},
  });
  try {
    const headers = { "x-request-id": "a-sane-id-of-mine" };
    for (const path of ["/", "/health", "/api/models"]) {
      const answer = await new Client(worker.url).get(path, { headers });
      expect([answer.status, answer.body.code]).toEqual([500, "MISCONFIGURED"]);
      expectRefusal(answer, path);
      expect(answer.body.request_id).toBe(headers["x-request-id"]);
      expect(answer.body.error).not.toMatch(/LOG_LEVEL/);
    }
    expect(logged.join()).toContain("LOG_LEVEL");
    expect(logged.join()).not.toContain("hush");
  } finally {
    await worker.stop();
    rmSync(stateDir, { recursive: true });
  }
});
