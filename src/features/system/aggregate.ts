type Known = number | null | undefined;

const isKnown = (value: Known): value is number => value !== null && value !== undefined;

/** The sum of what is known; `null` when nothing is. */
export function sumOf(values: Iterable<Known>): number | null {
  const known = [...values].filter(isKnown);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
}

export function largestOf(values: Iterable<Known>): number | null {
  const known = [...values].filter(isKnown);
  return known.length > 0 ? known.reduce((a, b) => Math.max(a, b)) : null;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** The mean of what is known, each by its weight; `null` when nothing is, or weighs anything. */
export function weightedMean(values: Iterable<{ value: Known; weight: number }>): number | null {
  let [sum, weights] = [0, 0];
  for (const { value, weight } of values) {
    if (!isKnown(value)) continue;
    sum += value * weight;
    weights += weight;
  }
  return weights > 0 ? rounded(sum / weights) : null;
}

/** How much of a whole a part is, 0–100; `null` without either, or of nothing. */
export const percentOf = (part: Known, whole: Known): number | null =>
  isKnown(part) && isKnown(whole) && whole > 0 ? rounded((100 * part) / whole) : null;

/** What all have in common; `null` when they differ, or there are none. */
export function inCommon<T>(values: readonly T[]): T | null {
  const [first, ...rest] = values;
  return first !== undefined && rest.every((value) => value === first) ? first : null;
}
