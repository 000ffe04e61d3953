import { expect, it } from "vitest";
import { isInRanges, parseRange } from "./address-range.ts";

const isIn = (ip: string | null, ...ranges: string[]) =>
  isInRanges(
    ip,
    ranges.map((range) => parseRange(range)!),
  );

it.each([
  ["10.1.2.3", "10.1.2.3", true],
  ["10.1.2.4", "10.1.2.3", false],
  ["10.255.255.255", "10.0.0.0/8", true],
  ["11.0.0.0", "10.0.0.0/8", false],
  ["9.255.255.255", "10.0.0.0/8", false],
  ["192.168.1.129", "192.168.1.200/25", true],
  ["192.168.1.127", "192.168.1.200/25", false],
  ["1.2.3.4", "0.0.0.0/0", true],
  ["255.255.255.255", "255.255.255.255/32", true],
  ["2001:db8::1", "2001:db8::/32", true],
  ["2001:0DB8:0:0::0001", "2001:db8::1", true],
  ["2001:db9::1", "2001:db8::/32", false],
  ["::1", "::/0", true],
  ["fe80::1", "fe80::/10", true],
  ["febf:ffff::", "fe80::/10", true],
  ["fec0::", "fe80::/10", false],
  ["::ffff:10.1.2.3", "10.0.0.0/8", true],
  ["10.1.2.3", "::ffff:10.0.0.0/104", true],
  ["10.1.2.3", "::/0", false],
  ["::1", "0.0.0.0/0", false],
])("%s in %s: %s", (ip, range, expected) => expect(isIn(ip, range)).toBe(expected));

it("is in one of many, in none of none, and nowhere without an address", () => {
  expect(isIn("::1", "10.0.0.0/8", "::1")).toBe(true);
  expect(isIn("::1")).toBe(false);
  for (const ip of [null, "", "unknown", "10.0.0.0/8", "0.0.0.0/0"])
    expect(isIn(ip, "0.0.0.0/0", "::/0")).toBe(false);
});

it.each([
  ...["", "10", "10.0.0", "10.0.0.0.0", "256.0.0.1", "010.0.0.1", "0x10.0.0.1", "10.0.0.0/", "10.0.0.0/33"],
  ...[
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    " 10.0.0.1",
    "10.0.0.1\n",
    "::1/129",
    ":::",
    "fe80::1%eth0",
  ],
  ...["[::1]", "1::2::3", "12345::", "localhost", "*", "10.0.0.1:80", "::1]@evil"],
])("%j is no address and no network", (text) => expect(parseRange(text)).toBeUndefined());
