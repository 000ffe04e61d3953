import type { StartOptions } from "./options.ts";
import { startPlatform } from "./platform.ts";
import { fail, serve } from "./supervised.ts";

/** What `npm start` tells its user. */
export interface Running {
  url: string;
}

serve<StartOptions, Running>(async (options) => {
  const platform = await startPlatform({
    ...options,
    env: process.env,
    // For tests, which bring a Worker of their own.
    workerDir: process.env["MYELIN_WORKER_DIR"],
    log: (line) => console.log(line),
    onFailure: fail,
    holder: process.ppid,
  });
  return { ready: { url: platform.url }, stop: () => platform.stop() };
});
