import { expect, it } from "vitest";
import { networkOf, placeOf } from "./network.ts";

it("is the same for all addresses one client of IPv6 goes through", () => {
  const home = [
    "2001:db8:1:2::1",
    "2001:db8:1:2:f00d:1:2:3",
    "2001:DB8:0001:2:FFFF::",
    "[2001:db8:1:2::9]:443",
  ];
  expect(new Set(home.map(networkOf))).toEqual(new Set(["2001:db8:1:2::/64"]));
});

it("is another for the neighbours", () => {
  const apart = ["2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2:2::1", "203.0.113.7", "203.0.113.8"];
  expect(new Set(apart.map(networkOf)).size).toBe(apart.length);
});

it("does not take an IPv4 address for all of IPv4 when it comes inside IPv6", () => {
  expect(networkOf("::ffff:203.0.113.7")).toBe(networkOf("203.0.113.7"));
  expect(networkOf("::ffff:203.0.113.8")).not.toBe(networkOf("203.0.113.7"));
});

it("stays what it is for an address that was written down and is read again", () => {
  for (const text of ["[2001:DB8:1:2::9]:443", "203.0.113.7:80", "::ffff:203.0.113.7", "::1"])
    expect([text, networkOf(placeOf(text)!.ip)]).toEqual([text, networkOf(text)]);
});

it("is none for what is no address", () => {
  for (const text of ["", "unknown", "1.2.3", ":::", "12345::", "::/64", "2001:db8::/64"])
    expect([text, placeOf(text)]).toEqual([text, undefined]);
});
