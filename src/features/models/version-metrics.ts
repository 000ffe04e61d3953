import { isNestedDeeper, MAX_NESTING } from "../../kernel/nesting.ts";
import { metricsNotJson } from "./models.errors.ts";

/** What an upload says of its file: a JSON object, or nothing. */
export function parseMetrics(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      !isNestedDeeper(value, MAX_NESTING)
    )
      return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw metricsNotJson();
}
