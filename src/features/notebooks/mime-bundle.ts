import type { JsonObject } from "../../db/schema.ts";
import { isNestedDeeper, MAX_NESTING } from "../../kernel/nesting.ts";
import type { MimeBundle } from "../../kernel/ports/kernels.ts";

/** No honest media type is longer. */
const MAX_TYPE = 200;
/** Nbformat 4.5 takes any JSON by these names, and texts or lists of lines by all others. */
const JSON_TYPE = /^application\/(.*\+)?json$/;
const BASE64_TYPE = /^image\/(?!svg\+xml$)/;
const BASE64 = /^[A-Za-z0-9+/=\s]*$/;

const isLines = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((line) => typeof line === "string");

/** A text that is one everywhere: half a surrogate pair is none to others. */
export const wellFormed = (text: string): string => text.toWellFormed();

/** The same for all texts of a JSON value, keys included. */
export function wellFormedJson(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return value.map(wellFormedJson);
  if (typeof value !== "object" || value === null) return value;
  // Not by assignment, which one name would bend.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [wellFormed(key), wellFormedJson(item)]),
  );
}

/** A value as nbformat takes it by that name; nothing where it cannot be shown by it. */
function formOf(type: string, value: unknown): unknown {
  if (JSON_TYPE.test(type)) return wellFormedJson(value);
  if (BASE64_TYPE.test(type)) {
    const text = isLines(value) ? value.join("") : value;
    return typeof text === "string" && BASE64.test(text) ? value : undefined;
  }
  if (typeof value === "string") return wellFormed(value);
  if (isLines(value)) return value.map(wellFormed);
  return value === null || value === undefined ? undefined : wellFormed(JSON.stringify(value));
}

/** A bundle as far as nbformat 4.5 has a place for it, and the names of what was left out. */
export function validBundle(given: MimeBundle): { data: JsonObject; left: string[] } {
  const left: string[] = [];
  const forms = Object.entries(given).flatMap(([type, value]) => {
    const isFit = type.length <= MAX_TYPE && !isNestedDeeper(value, MAX_NESTING);
    const form = isFit ? formOf(wellFormed(type), value) : undefined;
    if (form === undefined) left.push(wellFormed(type.slice(0, MAX_TYPE)));
    return form === undefined ? [] : [[wellFormed(type), form] as const];
  });
  return { data: Object.fromEntries(forms), left };
}

/** Metadata of an output likewise: any JSON, unless it is nested beyond measure. */
export const validMetadata = (given: JsonObject): JsonObject =>
  isNestedDeeper(given, MAX_NESTING) ? {} : (wellFormedJson(given) as JsonObject);
