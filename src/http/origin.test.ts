import { expect, it } from "vitest";
import { admitsOrigin } from "./origin.ts";

const NONE = new Set<string>();

it("admits the deployment's own pages and the configured ones", () => {
  const allowed = new Set(["https://dash.example"]);
  const admits = (origin: string) => admitsOrigin(origin, "https://ml.example.com/app", allowed);
  expect(["https://ml.example.com", "https://dash.example"].filter(admits)).toHaveLength(2);
  const foreign = ["http://ml.example.com", "https://ml.example.com:444", "https://evil.example", "null", ""];
  expect(foreign.filter(admits)).toEqual([]);
  expect(admitsOrigin("https://any.example", "https://ml.example.com", new Set(["*"]))).toBe(true);
});

it("admits pages of this machine only where this machine is the deployment", () => {
  const local = ["http://localhost:5173", "http://127.0.0.1:1", "http://[::1]:3000", "https://127.8.9.10"];
  for (const publicUrl of ["http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787"])
    expect(local.filter((origin) => admitsOrigin(origin, publicUrl, NONE))).toEqual(local);
  expect(local.filter((origin) => admitsOrigin(origin, "https://ml.example.com", NONE))).toEqual([]);
  for (const origin of ["http://localhost.evil.example", "http://127.0.0.1.evil.example", "null"])
    expect([origin, admitsOrigin(origin, "http://127.0.0.1:8787", NONE)]).toEqual([origin, false]);
});
