import { OpenAPIHono } from "@hono/zod-openapi";
import { AppError } from "../kernel/errors.ts";
import type { AppEnv } from "./context.ts";

export type Router = OpenAPIHono<AppEnv>;

/** A router whose every schema violation becomes one 422 that names the offending fields. */
export function createRouter(): Router {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      if (result.target === "param")
        throw new AppError("not_found", "NOT_FOUND", "There is nothing at this address.");
      const fields = result.error.issues.slice(0, 20).map((issue) => ({
        path: issue.path.join("."),
        message: issue.message,
      }));
      const where = result.target === "json" ? "body" : result.target;
      const first = fields[0];
      const text = first ? `${first.path || where}: ${first.message}` : "unreadable";
      throw new AppError("invalid", "VALIDATION_FAILED", `The ${where} is not valid: ${text}`, {
        in: where,
        fields,
      });
    },
  });
}
