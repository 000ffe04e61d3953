/**
 * Progressive locks against guessing, by what is being guessed at, whether or not it exists.
 * Table: lockouts. No blobs, no objects.
 */
export {
  attemptAt,
  attemptsKey,
  forgiveAttempts,
  sweepLockouts,
  takeAroundLock,
  takeAttempt,
} from "./lockouts.service.ts";
