import { expect, it } from "vitest";
import { mappedRole } from "./role-mapping.ts";

const roles = new Map([
  ["ops", "admin"],
  ["staff", "user"],
  ["guests", "viewer"],
] as const);

it.each([
  [["guests", "ops", "staff"], "admin"],
  [["guests", "staff"], "user"],
  [["guests", "unheard of"], "viewer"],
  [["unheard of"], "user"],
  [[], "user"],
])("makes of %o the role %s", (values, role) => {
  expect(mappedRole(values, roles)).toBe(role);
});
