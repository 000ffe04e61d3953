/** What a metric line of a job says, as the API takes it; see `src/features/runs/metric-wire.ts`. */
export interface Point {
  epoch: number;
  step: number;
  custom: Record<string, Value>;
  timestamp: string;
  [standard: string]: unknown;
}
type Value = number | "NaN" | "Infinity" | "-Infinity";

const STANDARD = new Set(["loss", "accuracy", "lr", "gpu_util", "memory_mb"]);
const NAMED = new Set<unknown>(["NaN", "Infinity", "-Infinity"]);
const MAX_CUSTOM = 64;
const MAX_NAME = 100;

/** What Python's json writes for them, which is no JSON. */
const BARE = /([:,[]\s*)(-?Infinity|NaN)(?=\s*[,}\]])/g;

/** A line that is no metric. Not an error of the job's: it is told and left out. */
export class MalformedLine extends Error {}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parse(line: string): Record<string, unknown> {
  for (const text of [line, line.replace(BARE, '$1"$2"')]) {
    try {
      const value: unknown = JSON.parse(text);
      if (isRecord(value)) return value;
      throw new MalformedLine("it is not a JSON object");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  throw new MalformedLine("it is not JSON");
}

function count(value: unknown, name: string, absent: number): number {
  if (value === undefined || value === null) return absent;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value + 0;
  throw new MalformedLine(`${name} must be a whole number, not negative`);
}

function valueOf(value: unknown, name: string): Value {
  // A number beyond a double's range is read as infinite.
  if (typeof value === "number") return Number.isFinite(value) ? value : (String(value) as Value);
  if (NAMED.has(value)) return value as Value;
  throw new MalformedLine(`${name.slice(0, MAX_NAME)} must be a number, "NaN", "Infinity" or "-Infinity"`);
}

const isName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= MAX_NAME &&
  name !== "__proto__" &&
  !name.includes("\0") &&
  name.isWellFormed();

function timeOf(value: unknown, now: Date): string {
  if (value === undefined || value === null) return now.toISOString();
  const parsed = typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : undefined;
  if (!parsed || Number.isNaN(parsed.getTime()))
    throw new MalformedLine("timestamp must be an RFC 3339 timestamp");
  return parsed.toISOString();
}

const NOT_VALUES = new Set(["epoch", "step", "timestamp", "custom", "type", "n"]);

/** Reads the lines of one job; a `step` that is not given is one more than the last. */
export class MetricLines {
  #nextStep = 0;

  /** Throws a MalformedLine for what is none. */
  read(line: string, now: Date): Point {
    const said = parse(line);
    const { custom = {} } = said;
    if (custom !== null && !isRecord(custom)) throw new MalformedLine("custom must be an object of numbers");
    const point: Point = {
      epoch: count(said["epoch"], "epoch", 0),
      step: count(said["step"], "step", this.#nextStep),
      custom: {},
      timestamp: timeOf(said["timestamp"], now),
    };
    const values = Object.entries(said).filter(([name]) => !NOT_VALUES.has(name));
    for (const [name, value] of [...values, ...Object.entries(custom ?? {})]) {
      if (value === null) continue;
      if (!isName(name)) throw new MalformedLine("a name is empty, too long or reserved");
      (STANDARD.has(name) ? point : point.custom)[name] = valueOf(value, name);
    }
    if (Object.keys(point.custom).length > MAX_CUSTOM)
      throw new MalformedLine(`it has more than ${MAX_CUSTOM} names of its own`);
    this.#nextStep = point.step + 1;
    return point;
  }
}
