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

it.each([
  [" CN=Ops, OU = Groups,DC=example", "cn=ops,ou=groups,dc=example"],
  ["cn=Ops\\, EU,dc=x", "cn=OPS\\2C  EU;dc=x"],
  ["cn=Gr\\C3\\B6\\c3\\9fe,dc=x", "cn=größe,dc=x"],
  ["cn=a\\\\2c,dc=x", "cn=a\\5C2c,dc=x"],
  ["uid=a+cn=b,dc=x", "cn=B + uid=A,dc=x"],
  ["cn=a=b,dc=x", "cn=a\\3db,dc=x"],
  ["cn=a\\ ,dc=x", "cn=a,dc=x"],
  ["", ""],
])("takes %j and %j for one distinguished name", (one, other) => {
  expect(plainDn(one)).toBe(plainDn(other));
  expect(plainDn(plainDn(one))).toBe(plainDn(one));
});

it.each([
  ["cn=a\\,b,dc=x", "cn=a\\, b,dc=x"],
  ["cn=a\\,dc=x", "cn=a,dc=x"],
  ["cn=a\\,cn=b,dc=x", "cn=a,cn=b,dc=x"],
  ["cn=a\\+uid=b,dc=x", "cn=a+uid=b,dc=x"],
  ["cn=a\\\\,dc=x", "cn=a\\,dc=x"],
])("takes %j and %j for two", (one, other) => {
  expect(plainDn(one)).not.toBe(plainDn(other));
});
