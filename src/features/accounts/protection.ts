import type { Account } from "./accounts.repo.ts";

/** Whether an account has a second factor; recovery codes are none. */
export const isProtected = ({ hasTotp, passkeyCount }: Account): boolean => hasTotp || passkeyCount > 0;
