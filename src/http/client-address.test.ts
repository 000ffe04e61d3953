import { describe, expect, it } from "vitest";
import { clientOf } from "./client-address.ts";

const address = (headers: Record<string, string>, trustedHops?: number) =>
  clientOf(new Headers(headers), trustedHops).network;
const forwarded = (list: string, trustedHops: number) => address({ "x-forwarded-for": list }, trustedHops);

describe("behind Cloudflare", () => {
  it("is what the edge says, whatever the client forwards", () => {
    const edge = { "cf-connecting-ip": "203.0.113.7" };
    expect(address(edge)).toBe("203.0.113.7");
    expect(address({ ...edge, "x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.2" })).toBe("203.0.113.7");
    expect(address({ ...edge, forwarded: "for=10.0.0.1", "true-client-ip": "10.0.0.1" })).toBe("203.0.113.7");
  });

  it("is nobody's in particular without the edge's word", () => {
    expect(address({})).toBe("unknown");
    expect(address({ "x-forwarded-for": "10.0.0.1" })).toBe("unknown");
    expect(address({ "cf-connecting-ip": "not an address" })).toBe("unknown");
  });
});

describe("behind proxies of one's own", () => {
  it("is what the outermost of them saw", () => {
    expect(forwarded("203.0.113.7", 1)).toBe("203.0.113.7");
    expect(forwarded("203.0.113.7, 10.0.0.1", 2)).toBe("203.0.113.7");
  });

  it("is not what the client wrote to the left of that", () => {
    expect(forwarded("1.1.1.1, 2.2.2.2,203.0.113.7", 1)).toBe("203.0.113.7");
    expect(forwarded("1.1.1.1, 203.0.113.7, 10.0.0.1", 2)).toBe("203.0.113.7");
    expect(address({ "x-forwarded-for": "203.0.113.7", "cf-connecting-ip": "1.1.1.1" }, 1)).toBe(
      "203.0.113.7",
    );
  });

  it("is unknown for who came past them", () => {
    expect(forwarded("203.0.113.7", 2)).toBe("unknown");
    expect(address({ "cf-connecting-ip": "1.1.1.1" }, 1)).toBe("unknown");
    expect(forwarded("", 1)).toBe("unknown");
    expect(forwarded("1.1.1.1, ", 1)).toBe("unknown");
  });
});

it("believes nobody where nothing stands in front", () => {
  expect(address({ "cf-connecting-ip": "1.1.1.1", "x-forwarded-for": "2.2.2.2" }, 0)).toBe("unknown");
});

describe("an address", () => {
  it("goes without its port", () => {
    expect(forwarded("203.0.113.7:4711", 1)).toBe("203.0.113.7");
    expect(forwarded("[2001:db8::1]:4711", 1)).toBe("2001:db8:0:0::/64");
  });

  it("of IPv6 counts by its /64, however it is written", () => {
    const spellings = ["2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:0db8:0001:0002:0:0:0:9"];
    for (const one of spellings) expect(forwarded(one, 1)).toBe("2001:db8:1:2::/64");
    expect(forwarded("2001:db8:1:3::1", 1)).toBe("2001:db8:1:3::/64");
    expect(forwarded("::1", 1)).toBe("0:0:0:0::/64");
    expect(forwarded("2001:db8::", 1)).toBe("2001:db8:0:0::/64");
  });

  it("of IPv4 is the same inside IPv6", () => {
    expect(forwarded("::ffff:203.0.113.7", 1)).toBe("203.0.113.7");
    expect(forwarded("::FFFF:cb00:7107", 1)).toBe("203.0.113.7");
  });

  it("that is none is unknown", () => {
    for (const text of ["x", "1.2.3", ":::", "1::2::3", "12345::", "::1]/x[", "1.2.3.4.5", "a".repeat(5000)])
      expect([text, forwarded(text, 1)]).toEqual([text, "unknown"]);
  });
});
