import { forgetAgentsOf } from "../agents/index.ts";
import { forgetSessionsOf } from "../sessions/index.ts";
import { forgetTokensOf } from "../tokens/index.ts";

/** Forgets whatever this isolate remembers of who calls for an account: its sessions, API tokens and agents. */
export function forgetCallersOf(userId: string): void {
  forgetSessionsOf(userId);
  forgetTokensOf(userId);
  forgetAgentsOf(userId);
}
