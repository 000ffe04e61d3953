import { join } from "node:path";
import { buildAssets } from "./assets.ts";
import { readCrons } from "./bundle.ts";
import { startWranglerDev } from "./dev-worker.ts";
import { layFoundation } from "./foundation.ts";
import { freePort, localUrl, publicUrl } from "./free-port.ts";
import { openAgent } from "./local-agent.ts";
import type { StartOptions } from "./options.ts";
import { projectDir } from "./paths.ts";
import { startSchedule } from "./schedule.ts";
import { fail, serve } from "./supervised.ts";
import { Teardown } from "./teardown.ts";
import { requireWorkerEnv } from "./worker-env.ts";

serve<StartOptions, null>(async (start) => {
  const options = { ...start, env: process.env, log: console.log, onFailure: fail, holder: process.ppid };
  requireWorkerEnv(process.env);
  const teardown = new Teardown();
  try {
    buildAssets(join(projectDir, "dist", "assets"));
    const { vars, lock } = await layFoundation(options, teardown);
    const port = options.port || (await freePort());
    const url = localUrl(options.host, port);
    const worker = await startWranglerDev({
      ...options,
      port,
      vars: { PUBLIC_URL: publicUrl(options.host, port), ...vars },
    });
    teardown.add(() => worker.stop());
    lock.noteChildren();
    const schedule = startSchedule(
      { crons: await readCrons(), runScheduled: worker.runScheduled },
      options.log,
    );
    teardown.add(() => schedule.stop());
    if (options.agent) openAgent(options, url, lock, teardown);
    return { ready: null, stop: () => teardown.run() };
  } catch (error) {
    await teardown.run();
    throw error;
  }
});
