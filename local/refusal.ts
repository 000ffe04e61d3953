/** A reason not to start that the person at the keyboard can act on: shown as its sentence, without a stack. */
export class Refusal extends Error {
  override name = "Refusal";
}

/** What to print for an error that ends a program. */
export function explain(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** True for a Node system error with this code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
