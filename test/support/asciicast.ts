import { expect } from "vitest";

export type CastEvent = [seconds: number, code: "o" | "i" | "r" | "m", data: string];

export interface Cast {
  header: { version: 2; width: number; height: number; timestamp: number; title: string };
  events: CastEvent[];
  /** All that a player shows. */
  output: string;
}

/** Reads a recording by the rules of https://docs.asciinema.org/manual/asciicast/v2/. */
export function readCast(text: string): Cast {
  expect(text.endsWith("\n")).toBe(true);
  const [header, ...events] = text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(header).toMatchObject({ version: 2, width: expect.any(Number), height: expect.any(Number) });
  for (const side of [header.width, header.height, header.timestamp])
    expect(Number.isInteger(side) && side > 0).toBe(true);
  let last = 0;
  for (const event of events as CastEvent[]) {
    expect(event).toEqual([expect.any(Number), expect.stringMatching(/^[oirm]$/), expect.any(String)]);
    expect(event[0]).toBeGreaterThanOrEqual(last);
    last = event[0];
    if (event[1] === "r") expect(event[2]).toMatch(/^[1-9]\d*x[1-9]\d*$/);
  }
  const said = (events as CastEvent[]).filter(([, code]) => code === "o");
  return { header, events, output: said.map(([, , data]) => data).join("") };
}
