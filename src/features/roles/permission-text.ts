import type { Permission } from "../../kernel/actor.ts";

/** What each permission is for, in a line. */
export const PERMISSION_TEXT: Record<Permission, string> = {
  "account:self": "See and keep up one's own account, sessions and factors.",
  "datasets:read": "List, look at and download datasets.",
  "datasets:write": "Upload, copy in and delete datasets.",
  "runs:read": "List and watch training runs, their metrics and logs.",
  "runs:write": "Start, report to, stop and delete training runs.",
  "runs:command": "Have an agent run a command or script of one's own.",
  "models:read": "List models and download their versions.",
  "models:write": "Create, upload, change and delete models and versions.",
  "endpoints:read": "List endpoints and read their figures.",
  "endpoints:write": "Create, start, change, stop and delete endpoints.",
  "inference:predict": "Call endpoints.",
  "agents:read": "List agents and see whether they have a token.",
  "agents:write": "Register and remove agents, and issue and revoke their tokens.",
  "agents:share": "Have an agent take everybody's work.",
  "terminal:open": "Have a shell on the machines of one's agents that allow it.",
  "tokens:read": "List API tokens, never their secrets.",
  "tokens:write": "Make, narrow, rotate and revoke API tokens.",
  "users:read": "List accounts and roles.",
  "users:write": "Create, change, suspend and delete accounts.",
  "roles:write": "Make, change and delete custom roles.",
  "sessions:admin": "See anybody's sessions, and end those of everybody but administrators who may more.",
  "audit:read": "Read and check the audit trail.",
  "mail:read": "See what mail was sent to whom; only undiminished administrators read what it says.",
  "stats:read": "See the totals of the whole deployment.",
};
