import { dictionary } from "@zxcvbn-ts/language-common";
import { expect, it } from "vitest";
import { checkNewPassword, weaknessOf } from "./password-policy.ts";

const common = new Set(dictionary["passwords-common"]);
const weakness = (password: string, own: string[] = []) => weaknessOf(password, own, common);

it("knows more than 3,000 common passwords", () => {
  expect(common.size).toBeGreaterThan(3_000);
});

it.each(["password1234", "Password1234!", "qwertyuiop12", "1q2w3e4r5t6y", "!!!iloveyou!!!"])(
  "refuses %s, which is tried first",
  (password) => expect(weakness(password)).toBe("is one of the passwords tried first"),
);

it("refuses what is little more than the account's own address or name", () => {
  const own = ["grace.hopper@example.com", "Grace Hopper"];
  for (const password of ["gracehopper1", "hopper-grace-1", "Example.com99"])
    expect(weakness(password, own)).toBe("is mostly your own address or name");
  expect(weakness("grace rides nine camels", own)).toBeUndefined();
});

it.each([
  "correct horse battery",
  "dragon 40 8819 62",
  " ".repeat(12),
  "пароль-длинный-достаточно",
  "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝔦𝔰 𝔣𝔲𝔫",
])("takes %s", (password) => expect(weakness(password)).toBeUndefined());

it("names the field", async () => {
  await expect(checkNewPassword("password1234", [])).rejects.toMatchObject({
    code: "VALIDATION_FAILED",
    details: { in: "body", fields: [{ path: "password" }] },
  });
});
