import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { joinCharacters } from "../../kernel/terminal-frames.ts";

/** What the socket of somebody who looks at a terminal remembers while the object sleeps. */
export interface TerminalSeat {
  terminal: string;
  /** The sign-in it is looked at by. */
  watcher: Watcher;
  channel: number;
  /** Place of the next byte to pass on; none until all that was said before has been shown. */
  offset: number | null;
  /** Up to where the page says that it has shown it. */
  shown: number;
  /** Place of the next byte that is typed, where it is known. */
  typed: number | null;
  /** The beginning of a character, whose rest has not come. */
  rest: number[];
  /** Speaks `myelin.terminal`: bytes in binary frames, everything else in JSON. */
  isFramed: boolean;
}

/** Why a page is sent away. */
export const EndCode = {
  exit: 1000,
  revoked: 4001,
  protocol: 4002,
  idle: 4008,
  replaced: 4010,
  unrecorded: 4011,
  lost: 1011,
} as const;

export const seatOf = (socket: WebSocket) => socket.deserializeAttachment() as TerminalSeat;
export const sit = (socket: WebSocket, seat: TerminalSeat): void => socket.serializeAttachment(seat);
export const isOpen = ({ readyState }: WebSocket): boolean => readyState === WebSocket.OPEN;

/** Tells a page something that is no output; one without our protocol has only `text`, if there is any. */
export function tell(
  socket: WebSocket,
  message: { type: string } & Record<string, unknown>,
  text?: string,
): void {
  if (seatOf(socket).isFramed) socket.send(JSON.stringify(message));
  else if (text !== undefined) socket.send(text);
}

/** Shows bytes that end before `end`, and remembers that. */
export function show(socket: WebSocket, bytes: Uint8Array, end: number): void {
  const seat = seatOf(socket);
  if (seat.isFramed) {
    sit(socket, { ...seat, offset: end });
    return socket.send(bytes);
  }
  const { text, rest } = joinCharacters(Uint8Array.from(seat.rest), bytes);
  sit(socket, { ...seat, offset: end, rest: [...rest] });
  if (text !== "") socket.send(text);
}
