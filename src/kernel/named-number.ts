/** A number as it travels in JSON: values that JSON cannot write go by name. */
export type NamedNumber = number | "NaN" | "Infinity" | "-Infinity";

const BY_NAME: Record<string, number> = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

export const nameNumber = (value: number): NamedNumber =>
  Number.isFinite(value) ? value : (String(value) as NamedNumber);

/** The number meant, or `undefined` for what is none. */
export function readNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && Object.hasOwn(BY_NAME, value) ? BY_NAME[value] : undefined;
}
