/** Fewer pairs than this lie on a line by themselves and say nothing. */
const FEWEST = 3;

/**
 * Pearson's product-moment correlation of pairs, between -1 and 1; `null` for fewer than three pairs, or where one side
 * does not vary.
 */
export function pearson(xs: readonly number[], ys: readonly number[]): number | null {
  const n = xs.length;
  if (n < FEWEST || ys.length !== n) return null;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  let [covariance, varianceX, varianceY] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [dx, dy] = [xs[i]! - meanX, ys[i]! - meanY];
    covariance += dx * dy;
    varianceX += dx * dx;
    varianceY += dy * dy;
  }
  if (varianceX === 0 || varianceY === 0) return null;
  // Rounding may carry it a hair beyond its bounds.
  return Math.max(-1, Math.min(1, covariance / Math.sqrt(varianceX) / Math.sqrt(varianceY)));
}

/** Spearman's rank correlation: Pearson's of the ranks, those of equal values being their mean. */
export const spearman = (xs: readonly number[], ys: readonly number[]): number | null =>
  pearson(ranks(xs), ranks(ys));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranked = Array.from<number>({ length: values.length });
  for (let from = 0; from < order.length;) {
    let until = from + 1;
    while (until < order.length && values[order[until]!] === values[order[from]!]) until++;
    for (let i = from; i < until; i++) ranked[order[i]!] = (from + 1 + until) / 2;
    from = until;
  }
  return ranked;
}
