/** The database's own error with its SQLSTATE, however deep the driver's wrapping put it. */
function databaseError(error: unknown): { code: string; message: string } | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return { code, message: cause.message };
  }
  return undefined;
}

const sqlState = (error: unknown): string | undefined => databaseError(error)?.code;

export const isUniqueViolation = (error: unknown): boolean => sqlState(error) === "23505";
export const isForeignKeyViolation = (error: unknown): boolean => sqlState(error) === "23503";

/** A text Postgres cannot hold: U+0000 anywhere, or half of a surrogate pair inside JSON. */
export function isUnstorableText(error: unknown): boolean {
  const { code, message } = databaseError(error) ?? {};
  if (code === "22021" || code === "22P05") return true;
  return code === "22P02" && message !== undefined && /\btype json/.test(message);
}
