import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";

const RETRY_SECONDS = 5;

/** Waits for the store; that it fails is told to whoever asked, and why it does to the log. */
export async function ofStorage<T>(ctx: Pick<Ctx, "log">, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError) throw error;
    ctx.log("warn", "uploads.storage_failed", { error });
    throw new AppError(
      "unavailable",
      "STORAGE_UNAVAILABLE",
      "The file store does not answer now; try again.",
      {
        retry_after: RETRY_SECONDS,
      },
    );
  }
}
