/** A sample of a family; `suffix` is what a histogram's parts are called by. */
export interface MetricSample {
  suffix?: "_bucket" | "_sum" | "_count";
  labels?: Record<string, string>;
  value: number;
}

export interface MetricFamily {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  samples: MetricSample[];
}

/** The media type of the text format, version 0.0.4. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

/** As Go reads numbers; JavaScript spells infinity out. */
function numberOf(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function line(name: string, { suffix, labels = {}, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${suffix ?? ""}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${numberOf(value)}`;
}

/**
 * Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats). A family without samples is
 * left out: what is not known is not there.
 */
export function expose(families: MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${escapeHelp(help)}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => line(name, sample)),
    ])
    .map((text) => `${text}\n`)
    .join("");
}

/** A histogram's samples from counts per bucket, of which the last is beyond all `bounds`. */
export function histogramSamples(
  labels: Record<string, string>,
  { bounds, buckets, sum }: { bounds: readonly number[]; buckets: readonly number[]; sum: number },
): MetricSample[] {
  let count = 0;
  const cumulative = buckets.map((more, i) => ({
    suffix: "_bucket" as const,
    labels: { ...labels, le: numberOf(bounds[i] ?? Number.POSITIVE_INFINITY) },
    value: (count += more),
  }));
  return [...cumulative, { suffix: "_sum", labels, value: sum }, { suffix: "_count", labels, value: count }];
}
