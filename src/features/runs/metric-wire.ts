import type { MetricColumns, MetricPoint } from "../../kernel/ports/run-feeds.ts";
import { invalidFields } from "../../kernel/errors.ts";
import { nameNumber, readNumber } from "../../kernel/named-number.ts";
import { ColumnBuilder } from "./metric-columns.ts";

/** The fields the reference names; everything else a point measures goes under `custom`. */
export const STANDARD_KEYS = ["loss", "accuracy", "lr", "gpu_util", "memory_mb"] as const;
const STANDARD: ReadonlySet<string> = new Set(STANDARD_KEYS);

const MAX_POINTS = 1_000;
const MAX_CUSTOM = 64;
const MAX_KEY_LENGTH = 100;
const MAX_STEP = Number.MAX_SAFE_INTEGER;

const invalid = (path: string, message: string) => invalidFields("body", [{ path, message }]);

function readValue(value: unknown, path: string): number {
  const number = readNumber(value);
  if (number === undefined) throw invalid(path, 'must be a number, "NaN", "Infinity" or "-Infinity"');
  return number;
}

function readCount(value: unknown, path: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_STEP) return value;
  throw invalid(path, "must be a whole number, not negative");
}

function readTimestamp(value: unknown, path: string): number {
  if (value === undefined || value === null) return NaN;
  const parsed = typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(parsed)) throw invalid(path, "must be an RFC 3339 timestamp");
  return parsed;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `__proto__` would not become a property of its own further on; the others Postgres could not keep. */
const isKey = (key: string): boolean =>
  key.length > 0 &&
  key.length <= MAX_KEY_LENGTH &&
  key !== "__proto__" &&
  !key.includes("\0") &&
  key.isWellFormed();

function readCustom(columns: ColumnBuilder, custom: unknown, path: string): void {
  if (custom === undefined || custom === null) return;
  if (!isRecord(custom)) throw invalid(path, "must be an object of numbers");
  const entries = Object.entries(custom);
  if (entries.length > MAX_CUSTOM) throw invalid(path, `may have at most ${MAX_CUSTOM} entries`);
  for (const [key, value] of entries) {
    if (!isKey(key)) throw invalid(path, `has a name that is empty, too long or reserved`);
    if (STANDARD.has(key)) throw invalid(`${path}.${key}`, "belongs outside of `custom`");
    columns.set(key, readValue(value, `${path}.${key}`));
  }
}

function readPoint(columns: ColumnBuilder, point: unknown, path: string): void {
  if (!isRecord(point)) throw invalid(path || "body", "must be an object");
  const at = (field: string) => (path ? `${path}.${field}` : field);
  columns.add(
    readCount(point.step, at("step")),
    readCount(point.epoch, at("epoch")),
    readTimestamp(point.timestamp, at("timestamp")),
  );
  for (const key of STANDARD_KEYS) {
    const value = point[key];
    if (value !== undefined && value !== null) columns.set(key, readValue(value, at(key)));
  }
  readCustom(columns, point.custom, at("custom"));
}

/**
 * Reads one point or `{points: […]}` straight into columns; a time not given is NaN. Written by hand and not as a schema because a busy run
 * sends tens of thousands of points a second through here.
 */
export function readPoints(body: unknown): MetricColumns {
  if (!isRecord(body) || !("points" in body)) {
    const single = new ColumnBuilder(1);
    readPoint(single, body, "");
    return single.build();
  }
  const { points } = body;
  if (!Array.isArray(points) || points.length === 0)
    throw invalid("points", "must be a list with at least one point");
  if (points.length > MAX_POINTS) throw invalid("points", `may have at most ${MAX_POINTS} points`);
  const columns = new ColumnBuilder(points.length);
  points.forEach((point, i) => readPoint(columns, point, `points.${i}`));
  return columns.build();
}

/** Gives `now` to the points that named no time. */
export function stampPoints(columns: MetricColumns, now: number): MetricColumns {
  const timestamps = columns.timestamps.map((timestamp) => (Number.isNaN(timestamp) ? now : timestamp));
  return { ...columns, timestamps };
}

/** A point as it goes over the wire; what JSON cannot write goes by name. */
export function presentPoint({ seq, epoch, step, timestamp, values }: MetricPoint): Record<string, unknown> {
  const wire: Record<string, unknown> = { seq, epoch, step };
  const custom: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values))
    (STANDARD.has(key) ? wire : custom)[key] = nameNumber(value);
  return { ...wire, custom, timestamp: new Date(timestamp).toISOString() };
}
