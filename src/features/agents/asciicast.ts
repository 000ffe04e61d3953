/**
 * A recording as https://docs.asciinema.org/manual/asciicast/v2/ has it: a line of JSON about the terminal, then one for
 * each event.
 */
export interface CastHeader {
  columns: number;
  rows: number;
  /** Epoch milliseconds. */
  startedAt: number;
  title: string;
}

/** What was said, a new size of the window, or a remark. What was typed is no event here: passwords are, too. */
export type CastEvent = "o" | "r" | "m";

export const castHeader = ({ columns, rows, startedAt, title }: CastHeader): string =>
  `${JSON.stringify({
    ...{ version: 2, width: columns, height: rows, timestamp: Math.floor(startedAt / 1000), title },
    env: { TERM: "xterm-256color" },
  })}\n`;

/** `ms` is since the beginning. */
export const castEvent = (ms: number, event: CastEvent, data: string): string =>
  `${JSON.stringify([ms / 1000, event, data])}\n`;

/** Where part `part` of a recording is kept. */
export const recordingPartKey = (id: string, part: number): string => `terminals/${id}/${part}`;
