export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Record<string, unknown>;

/** One JSON object a line; `request_id` ties the lines of a request together. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

const describe = (value: unknown): unknown =>
  value instanceof Error
    ? { name: value.name, message: value.message, stack: value.stack, cause: describe(value.cause) }
    : value;

/** A logger that writes to `write` everything at or above `minimum`, with `base` in every line. */
export function createLog(minimum: LogLevel, base: LogFields = {}, write = console.log): Log {
  return (level, event, fields = {}) => {
    if (ORDER[level] < ORDER[minimum]) return;
    const line: LogFields = { level, event, ...base };
    for (const [key, value] of Object.entries(fields)) line[key] = describe(value);
    write(JSON.stringify(line));
  };
}
