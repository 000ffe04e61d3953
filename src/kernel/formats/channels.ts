import { inWhole, fromNumbers, toNumbers } from "./elements.ts";
import { MalformedFile } from "./byte-source.ts";

/** How the elements of a tensor, one after the other, belong to channels along one axis. */
export interface Channels {
  count: number;
  /** Neighbours that belong to the same channel. */
  inner: number;
}

export const channelsAlong = (shape: readonly number[], axis: number): Channels => ({
  count: shape[axis]!,
  inner: shape.slice(axis + 1).reduce((all, size) => all * size, 1),
});

const channelOf = (i: number, { count, inner }: Channels): number => Math.floor(i / inner) % count;

const TOP = 127;

/** What one step of each channel is worth, so that its largest weight takes the largest level. Reads the tensor once. */
export async function scalesOf(
  name: string,
  stream: ReadableStream<Uint8Array>,
  channels: Channels,
): Promise<Float32Array> {
  const largest = new Float64Array(channels.count);
  let i = 0;
  for await (const chunk of inWhole(stream, 4, (bytes) => bytes)) {
    for (const value of toNumbers("F32", chunk)) {
      if (!Number.isFinite(value)) throw new MalformedFile(`“${name}” holds what is no number`);
      const channel = channelOf(i++, channels);
      largest[channel] = Math.max(largest[channel]!, Math.abs(value));
    }
  }
  // A channel of zeros has no scale; any would do.
  return Float32Array.from(largest, (most) => (most === 0 ? 1 : most / TOP));
}

const roundEven = (value: number): number => {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
};

/** Weights as signed bytes, by the scales of their channels. */
export function quantized(
  stream: ReadableStream<Uint8Array>,
  scales: Float32Array,
  channels: Channels,
): ReadableStream<Uint8Array> {
  let i = 0;
  return inWhole(stream, 4, (bytes) =>
    fromNumbers(
      "I8",
      toNumbers("F32", bytes).map((value) => {
        const level = roundEven(value / scales[channelOf(i++, channels)]!);
        return Math.max(-TOP, Math.min(TOP, level));
      }),
    ),
  );
}
