/** A line of a run's log, as the API takes it. */
export interface LogLine {
  level: string;
  message: string;
  timestamp: string;
}

const MAX_MESSAGE = 16_000;
const MAX_LEVEL = 20;

/** What can be stored of a text that may be anything. */
const storable = (text: string): string =>
  text.slice(0, MAX_MESSAGE).toWellFormed().replaceAll("\0", "\ufffd");

export const logLine = (level: string, message: string, now: Date): LogLine => ({
  level,
  message: storable(message),
  timestamp: now.toISOString(),
});

function timeOf(value: unknown, now: Date): Date {
  const parsed = typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : now;
  return Number.isNaN(parsed.getTime()) ? now : parsed;
}

function structured(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * A line a job wrote. A JSON object with a text `message` says its own `level` and `timestamp`; of any other line that is
 * kept which a terminal would show: what stands behind its last carriage return.
 */
export function readLogLine(line: string, level: "INFO" | "ERROR", now: Date): LogLine {
  const said = structured(line);
  if (typeof said?.["message"] !== "string") return logLine(level, shown(line), now);
  const named = typeof said["level"] === "string" ? storable(said["level"].trim()).slice(0, MAX_LEVEL) : "";
  return logLine(
    named.toWellFormed().toUpperCase().slice(0, MAX_LEVEL) || level,
    said["message"],
    timeOf(said["timestamp"], now),
  );
}

function shown(line: string): string {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}
