/** Lists and objects inside each other beyond this serve nobody, and break whatever walks them by recursion. */
export const MAX_NESTING = 64;

/** Whether lists and objects are nested more than `levels` deep; looks no deeper than that. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const inside: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return inside.some((item) => isNestedDeeper(item, levels - 1));
}
