import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { isKnownNetwork } from "../sessions/index.ts";
import { attemptStatement, deleteOld, forget, type LockPolicy } from "./lockouts.repo.ts";

const MINUTE = 60;
const DAY = 86_400;

const POLICY: LockPolicy = {
  attempts: 10,
  windowSeconds: 15 * MINUTE,
  lockSeconds: [1, 2, 4, 8, 15].map((minutes) => minutes * MINUTE),
  forgetSeconds: DAY,
};

type Deps = Pick<Ctx, "db" | "now">;

const locked = (until: Date, now: Date) => {
  const seconds = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000));
  return new AppError(
    "rate_limited",
    "TOO_MANY_ATTEMPTS",
    `Too many wrong attempts; try again in ${seconds} seconds.`,
    { limit: POLICY.attempts, retry_after: seconds },
  );
};

/** Under which key attempts at `what` are counted. */
export const attemptsKey = (what: string): Promise<string> => sha256Hex(what);

/** How an attempt at `what` is counted, for who sends it together with other statements; `judge` reads the answer. */
export async function attemptAt(ctx: Deps, what: string) {
  const statement = attemptStatement(ctx.db, await attemptsKey(what), POLICY, ctx.now);
  const judge = ([row]: { lockedUntil: Date | null }[]): AppError | undefined => {
    const until = row?.lockedUntil;
    return until && until > ctx.now ? locked(until, ctx.now) : undefined;
  };
  return { statement, judge };
}

/**
 * Counts an attempt at guessing `what` (`login:<address>`, for example) and refuses it while there is a lock: after ten
 * within a quarter of an hour, for one minute first, then two, four, eight, and fifteen at most. Returns the refusal
 * instead of throwing it, since some callers know a way around.
 */
export async function takeAttempt(ctx: Deps, what: string): Promise<AppError | undefined> {
  const { statement, judge } = await attemptAt(ctx, what);
  return judge(await statement);
}

/**
 * The way around a lock. Where the account signed in from lately, attempts at `what` have a count of their own: nobody
 * else can lock its owner out there. Returns the refusal that is left.
 */
export async function takeAroundLock(
  ctx: Ctx,
  what: string,
  userId: string | undefined,
  refusal: AppError,
): Promise<AppError | undefined> {
  // Asked for nobody too, so that it takes as long.
  const isKnown = await isKnownNetwork(ctx, userId ?? crypto.randomUUID());
  return isKnown ? takeAttempt(ctx, `${what}:${ctx.client.network}`) : refusal;
}

/** A right answer: what came before it was the same person mistyping. */
export const forgiveAttempts = async (ctx: Deps, what: string): Promise<void> =>
  forget(ctx.db, await attemptsKey(what));

/** Forgets what has not been attempted for two days. */
export const sweepLockouts = (ctx: Deps): Promise<number> =>
  deleteOld(ctx.db, new Date(ctx.now.getTime() - 2 * DAY * 1000));
