import { OpenAPIHono } from "@hono/zod-openapi";
import { AppError, invalidFields } from "../kernel/errors.ts";
import { isNestedDeeper, MAX_NESTING } from "../kernel/nesting.ts";
import type { AppEnv } from "./context.ts";
import { RecallingRouter } from "./recalling-router.ts";

export type Router = OpenAPIHono<AppEnv>;

function refuseDeep(body: unknown): void {
  if (!isNestedDeeper(body, MAX_NESTING)) return;
  throw new AppError(
    "invalid",
    "BODY_TOO_DEEP",
    `The body may be nested at most ${MAX_NESTING} levels deep.`,
  );
}

/** A router whose every schema violation becomes one 422 that names the offending fields. */
export function createRouter(): Router {
  return new OpenAPIHono<AppEnv>({
    router: new RecallingRouter(),
    defaultHook: (result) => {
      if (result.success) return result.target === "json" ? refuseDeep(result.data) : undefined;
      if (result.target === "param")
        throw new AppError("not_found", "NOT_FOUND", "There is nothing at this address.");
      const fields = result.error.issues.slice(0, 20).map((issue) => ({
        path: issue.path.join("."),
        message: issue.message,
      }));
      throw invalidFields(result.target === "json" ? "body" : result.target, fields);
    },
  });
}
