import { invalidFields } from "../../kernel/errors.ts";

let common: Promise<ReadonlySet<string>> | undefined;

/** Some 49,000 of the most common passwords; unpacked when first needed, since most requests need none. */
export const commonPasswords = (): Promise<ReadonlySet<string>> =>
  (common ??= import("@zxcvbn-ts/language-common").then(
    ({ dictionary }) => new Set(dictionary["passwords-common"]),
  ));

/** What is left of a password without the digits and signs people put around a word to satisfy a rule. */
const coreOf = (password: string): string => password.replace(/^[\d\p{P}\p{S}]+|[\d\p{P}\p{S}]+$/gu, "");

/** The parts of an address or a name that somebody would try first. */
const wordsOf = (own: readonly string[]): string[] =>
  own.flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length >= 4);

/** Why a password of allowed length is no good, or nothing. `own` are the account's address and name. */
export function weaknessOf(
  password: string,
  own: readonly string[],
  common: ReadonlySet<string>,
): string | undefined {
  const lower = password.toLowerCase();
  const core = coreOf(lower);
  // Much around a common word is a password of its own; a little is what everybody adds.
  const isDressedUp = core.length * 2 >= lower.length && common.has(core);
  if (common.has(lower) || isDressedUp) return "is one of the passwords tried first";
  const left = wordsOf(own).reduce((text, word) => text.replaceAll(word, ""), lower);
  // An address in a long password is fine; a password that is little more than the address is not.
  const ownLeft = left.replace(/[^\p{L}\p{N}]/gu, "");
  if (left !== lower && [...ownLeft].length < 8) return "is mostly your own address or name";
  return undefined;
}

/** Refuses a new password that would be guessed early; `own` are the account's address and name. */
export async function checkNewPassword(password: string, own: readonly string[]): Promise<void> {
  const weakness = weaknessOf(password, own, await commonPasswords());
  if (weakness) throw invalidFields("body", [{ path: "password", message: weakness }]);
}
