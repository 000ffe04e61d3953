import { eq, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { lockouts } from "#db/schema";

export interface LockPolicy {
  /** Attempts within the window before the first lock. */
  attempts: number;
  windowSeconds: number;
  /** How long each lock in a row lasts; the last one repeats. */
  lockSeconds: readonly number[];
  /** After this long without attempts the row of locks starts over. */
  forgetSeconds: number;
}

/**
 * Counts an attempt before it is judged and says until when it is locked, if it is. One statement, so that any number
 * of attempts at once are counted one by one. Attempts during a lock count for nothing: a lock always ends.
 */
export function attemptStatement(db: Db, key: string, policy: LockPolicy, now: Date) {
  const { attempts, level, firstAt, lockedUntil } = lockouts;
  const ago = (seconds: number) => sql`${now}::timestamptz - make_interval(secs => ${seconds})`;
  const isLocked = sql`coalesce(${lockedUntil} > ${now}, false)`;
  const startsOver = sql`(${lockedUntil} is not null or ${firstAt} < ${ago(policy.windowSeconds)})`;
  const count = sql`case when ${isLocked} then ${attempts} when ${startsOver} then 1 else ${attempts} + 1 end`;
  const steps = sql.raw(policy.lockSeconds.map((seconds) => Math.trunc(seconds)).join(","));
  const kept = sql`case when ${firstAt} < ${ago(policy.forgetSeconds)} then 0 else ${level} end`;
  const length = sql`(array[${steps}])[least(${kept} + 1, ${policy.lockSeconds.length})]`;
  const locks = sql`not ${isLocked} and not ${startsOver} and ${attempts} + 1 > ${policy.attempts}`;
  return db
    .insert(lockouts)
    .values({ key, attempts: 1, level: 0, firstAt: now })
    .onConflictDoUpdate({
      target: lockouts.key,
      set: {
        attempts: count,
        level: sql`case when ${locks} then ${kept} + 1 else ${kept} end`,
        firstAt: sql`case when ${isLocked} or not ${startsOver} then ${firstAt} else ${now} end`,
        lockedUntil: sql`case when ${isLocked} then ${lockedUntil} when ${locks} then ${now}::timestamptz + make_interval(secs => ${length}) else null end`,
      },
    })
    .returning({ lockedUntil });
}

export async function forget(db: Db, key: string): Promise<void> {
  await db.delete(lockouts).where(eq(lockouts.key, key));
}

export async function deleteOld(db: Db, before: Date): Promise<number> {
  return (await db.delete(lockouts).where(lt(lockouts.firstAt, before)).returning({ key: lockouts.key }))
    .length;
}
