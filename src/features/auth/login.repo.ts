import type { Db } from "#db/client";
import { type Account, accountByEmail } from "../accounts/index.ts";
import type { attemptAt } from "../lockouts/index.ts";

type Attempt = Awaited<ReturnType<typeof attemptAt>>;

/** Counts an attempt and finds whom it is at, in one round trip. */
export async function beginAttempt(db: Db, email: string, { statement, judge }: Attempt) {
  const [counted, [account]] = await db.batch([statement, accountByEmail(db, email)]);
  return { refusal: judge(counted), account: account as Account | undefined };
}
