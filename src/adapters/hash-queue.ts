import { AppError } from "../kernel/errors.ts";
import type { PasswordHasher } from "../kernel/ports/credentials.ts";

interface Bounds {
  atOnce: number;
  /** How many may wait; whoever comes then is refused. */
  waiting: number;
}

// One hash takes some 25 ms of the isolate's one thread.
const busy = () =>
  new AppError("unavailable", "BUSY", "Too many sign-ins at once; try again in a moment.", {
    retry_after: 2,
  });

/**
 * A hasher that computes few hashes at a time and lets a bounded number wait. Hashing holds the thread, so each one first
 * lets what has arrived meanwhile be looked at: else nobody could be refused, only kept waiting.
 */
export function inTurn(hasher: PasswordHasher, { atOnce, waiting }: Bounds): PasswordHasher {
  const queue: (() => void)[] = [];
  let running = 0;

  async function take(): Promise<void> {
    if (running < atOnce) return void running++;
    if (queue.length >= waiting) throw busy();
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function give(): void {
    const next = queue.shift();
    if (next) next();
    else running--;
  }

  async function run<T>(work: () => Promise<T>): Promise<T> {
    await take();
    try {
      await new Promise((resolve) => setTimeout(resolve, 0));
      return await work();
    } finally {
      give();
    }
  }

  return {
    hash: (password) => run(() => hasher.hash(password)),
    verify: (phc, password) => run(() => hasher.verify(phc, password)),
  };
}
