import { expect, it } from "vitest";
import { escapeFilterValue, fillFilter, plainDn } from "./ldap-text.ts";

it.each([
  ["*)(uid=*", "\\2a\\29\\28uid=\\2a"],
  ["a\\b\0c", "a\\5cb\\00c"],
  ["Jürgen 🧠", "Jürgen 🧠"],
])("escapes %j", (value, escaped) => {
  expect(escapeFilterValue(value)).toBe(escaped);
});

it("fills a value in everywhere, and never takes one for a template", () => {
  expect(fillFilter("(|(mail={username})(uid={username}))", { username: "{dn}*$&", dn: "x" })).toBe(
    "(|(mail={dn}\\2a$&)(uid={dn}\\2a$&))",
  );
});

it("compares distinguished names by what counts", () => {
  expect(plainDn(" CN=Ops, OU = Groups,DC=example")).toBe("cn=ops,ou=groups,dc=example");
});
