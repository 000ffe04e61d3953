/** A Worker with cron triggers. */
export interface Scheduled {
  crons: string[];
  /** Runs the scheduled handler once. */
  runScheduled(cron: string): Promise<void>;
}

export const EVERY_MINUTE = "* * * * *";
const MINUTE_MS = 60_000;

/** Plays Cloudflare's cron for the Worker. Only the every-minute pattern is known; others are named and left out. */
export function startSchedule(worker: Scheduled, log: (line: string) => void) {
  for (const cron of worker.crons) {
    if (cron !== EVERY_MINUTE)
      log(`The cron trigger "${cron}" does not run here; only "${EVERY_MINUTE}" does.`);
  }
  let running: Promise<void> | undefined;
  const tick = () => {
    // A run longer than a minute is not joined by a second one.
    running ??= worker
      .runScheduled(EVERY_MINUTE)
      .catch((error: Error) => log(`The scheduled work failed: ${error.message}`))
      .finally(() => (running = undefined));
  };
  const timer = worker.crons.includes(EVERY_MINUTE) ? setInterval(tick, MINUTE_MS) : undefined;
  return {
    async stop(): Promise<void> {
      clearInterval(timer);
    },
  };
}
