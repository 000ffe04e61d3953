import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import { versionInUse } from "./models.errors.ts";

/** An endpoint refers to the versions it serves; Postgres refuses to pull one from under it. */
export async function refusingInUse<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isForeignKeyViolation(error)) throw versionInUse();
    throw error;
  }
}
