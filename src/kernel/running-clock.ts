// 10,000 looks take some 2 ms where a look costs 170 ns, and the clock ticks in milliseconds.
const LOOKS = 10_000;

/**
 * Whether a clock moves on while code runs. On Cloudflare's network it does not, as a guard against timing attacks
 * (https://developers.cloudflare.com/workers/reference/security-model/#step-1-disallow-timers-and-multi-threading);
 * in workerd elsewhere it does.
 */
export function isRunning(now: () => number): boolean {
  const before = now();
  for (let look = 0; look < LOOKS; look++) if (now() !== before) return true;
  return false;
}
