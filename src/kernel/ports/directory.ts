import type { ExternalPerson } from "./identity-provider.ts";

export type DirectoryRefusal =
  | "unknown"
  | "wrong_password"
  /** More than one entry answers to the name. */
  | "ambiguous"
  /** The caller does not want the password tried. */
  | "held"
  | "unavailable";

/** `detail` is for the log, and free of secrets. */
export type DirectoryReply =
  | { ok: true; person: ExternalPerson }
  | { ok: false; reason: DirectoryRefusal; detail?: string };

/** A directory of people (LDAP) that checks their passwords. */
export interface Directory {
  /** What its people's identities are kept under. */
  issuer: string;
  /**
   * Finds the one entry of that name and tries the password on it, unless `mayTry`, told the entry's subject, says no: one
   * entry answers to many spellings of its name. A name that no entry has takes as long, and `mayTry` is told of it too.
   */
  authenticate(
    username: string,
    password: string,
    mayTry: (subject: string) => Promise<boolean>,
  ): Promise<DirectoryReply>;
}
