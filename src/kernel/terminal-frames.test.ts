import { expect, it } from "vitest";
import { decodeFrame, encodeFrame, FrameKind, joinCharacters, wholeCharacters } from "./terminal-frames.ts";

it("gives back what it was given, also out of the middle of a buffer", () => {
  const frame = { kind: FrameKind.output, channel: 7, offset: 2 ** 40, bytes: new Uint8Array([0, 255, 13]) };
  const encoded = encodeFrame(frame);
  expect(decodeFrame(encoded)).toEqual(frame);
  const shifted = new Uint8Array([9, 9, ...encoded]).subarray(2);
  expect(decodeFrame(shifted)).toEqual(frame);
});

it("takes nothing for a frame that is none", () => {
  const good = encodeFrame({ kind: FrameKind.input, channel: 1, offset: 0, bytes: new Uint8Array() });
  expect(decodeFrame(good.subarray(0, 12))).toBeUndefined();
  expect(decodeFrame(new Uint8Array([4, ...good.subarray(1)]))).toBeUndefined();
  for (const offset of [-1, 0.5, Number.NaN])
    expect(
      decodeFrame(encodeFrame({ kind: FrameKind.credit, channel: 1, offset, bytes: new Uint8Array() })),
    ).toBe(undefined);
});

it("never cuts a character in two, and holds back no byte that begins none", () => {
  const text = new TextEncoder().encode("aé€😀");
  const whole = [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10];
  whole.forEach((expected, end) =>
    expect([end, wholeCharacters(text.subarray(0, end))]).toEqual([end, expected]),
  );
  expect(wholeCharacters(new Uint8Array([0x80, 0x80, 0x80, 0x80]))).toBe(4);
  expect(wholeCharacters(new Uint8Array([0x61, 0xff]))).toBe(1);
});

it("joins characters wherever they were cut, and gives up on what is none", () => {
  const said = "a\ufeffé€😀z";
  const bytes = new TextEncoder().encode(said);
  for (let size = 1; size <= bytes.length; size++) {
    let [text, rest] = ["", new Uint8Array() as Uint8Array];
    for (let at = 0; at < bytes.length; at += size) {
      const joined = joinCharacters(rest, bytes.subarray(at, at + size));
      [text, rest] = [text + joined.text, joined.rest];
    }
    expect([text, rest.length]).toEqual([said, 0]);
  }
  const broken = joinCharacters(new Uint8Array([0xe2]), new Uint8Array([0x61, 0xff, 0xf0]));
  expect([broken.text, [...broken.rest]]).toEqual(["\ufffda\ufffd", [0xf0]]);
});
