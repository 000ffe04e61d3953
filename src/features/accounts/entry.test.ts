import { expect, it } from "vitest";
import { entryRefusal } from "./entry.ts";

const now = new Date();
const open = { role: "user", suspendedAt: null, emailVerifiedAt: now, approvedAt: now } as const;
type Given = Partial<Parameters<typeof entryRefusal>[1]>;

it.each<[Parameters<typeof entryRefusal>[0]["registration"], Given, string | undefined]>([
  ["open", {}, undefined],
  ["open", { emailVerifiedAt: null }, undefined],
  ["open", { suspendedAt: now }, "ACCOUNT_SUSPENDED"],
  ["verify", { emailVerifiedAt: null }, "EMAIL_NOT_VERIFIED"],
  ["approve", { emailVerifiedAt: null, approvedAt: null }, "EMAIL_NOT_VERIFIED"],
  ["approve", { approvedAt: null }, "AWAITING_APPROVAL"],
  ["approve", { role: "admin", emailVerifiedAt: null, approvedAt: null }, undefined],
  ["closed", { role: "admin", suspendedAt: now }, "ACCOUNT_SUSPENDED"],
])("with registration %s, an account with %o is met by %s", (registration, account, code) => {
  expect(entryRefusal({ registration }, { ...open, ...account })?.code).toBe(code);
});
