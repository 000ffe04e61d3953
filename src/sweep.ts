import { type Env, platformOf } from "./context.ts";
import { sweepAgentEvents } from "./features/agents/index.ts";
import { sweepAudit } from "./features/audit/index.ts";
import { sweepOrphans } from "./features/files/index.ts";
import { sweepMinutes } from "./features/inference/index.ts";
import { sweepLockouts } from "./features/lockouts/index.ts";
import { sweepMails, sweepSealedMails } from "./features/mail/index.ts";
import { sweepTotpSecrets } from "./features/mfa/index.ts";
import { sweepOneTime } from "./features/one-time-tokens/index.ts";
import { sweepLostRuns } from "./features/runs/index.ts";
import { sweepSessions } from "./features/sessions/index.ts";
import { sweepRecordings } from "./features/terminal/index.ts";
import { sweepTokens } from "./features/tokens/index.ts";
import { sweepUploads } from "./features/uploads/index.ts";

/** What has to happen whether anybody calls or not; every step is safe to run twice or at once. */
export async function sweep(env: Env): Promise<void> {
  const platform = { ...(await platformOf(env)), now: new Date() };
  const steps = {
    // Before the blobs, some of which it lets go.
    old_uploads: sweepUploads,
    orphan_blobs: sweepOrphans,
    lost_runs: sweepLostRuns,
    dead_sessions: sweepSessions,
    old_minutes: sweepMinutes,
    dead_tokens: sweepOneTime,
    old_lockouts: sweepLockouts,
    rewrapped_secrets: sweepTotpSecrets,
    rewrapped_mails: sweepSealedMails,
    revoked_tokens: sweepTokens,
    mails: sweepMails,
    old_audit: sweepAudit,
    old_agent_events: sweepAgentEvents,
    old_recordings: sweepRecordings,
  };
  for (const [name, step] of Object.entries(steps)) {
    try {
      const count = await step(platform);
      if (count > 0) platform.log("info", "sweep", { swept: name, count });
    } catch (error) {
      platform.log("error", "sweep.failed", { swept: name, error });
    }
  }
}
