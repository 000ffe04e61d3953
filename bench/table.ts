/** One line of a part's table. */
export interface Row {
  what: string;
  measured: string;
  /** None for what is only worth knowing. */
  target?: { text: string; met: boolean };
}

export const number = (value: number, digits = 0): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const ms = (value: number): string => `${number(value, value < 10 ? 2 : 1)} ms`;
export const times = (value: number): string => `${number(value, 2)} ×`;

export const atMost = (value: number, limit: number, unit: string) => ({
  text: `≤ ${number(limit, limit % 1 ? 1 : 0)} ${unit}`,
  met: value <= limit,
});

export const atLeast = (value: number, limit: number, unit: string) => ({
  text: `≥ ${number(limit, limit % 1 ? 1 : 0)} ${unit}`,
  met: value >= limit,
});

const MET = { true: "yes", false: "**no**" };

/** Rows as a Markdown table. */
export function table(rows: Row[]): string {
  const line = ({ what, measured, target }: Row) =>
    `| ${what} | ${measured} | ${target?.text ?? ""} | ${target ? MET[`${target.met}`] : ""} |`;
  return ["| | Measured | Target | Met |", "|---|---|---|---|", ...rows.map(line)].join("\n");
}
