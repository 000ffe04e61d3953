import { createApp } from "./app.ts";
import {
  agentLinkPorts,
  auditLogPorts,
  type Env,
  modelPoolPorts,
  notebookRoomPorts,
  type Platform,
  platformOf,
  runFeedPorts,
} from "./context.ts";
import { createAgentLink } from "./features/agents/index.ts";
import { createAuditLog } from "./features/audit/index.ts";
import { createModelPool } from "./features/inference/index.ts";
import { createRateWindow } from "./features/limits/index.ts";
import { createTrafficBoard } from "./features/metrics/index.ts";
import { createNotebookRoom } from "./features/notebooks/index.ts";
import { createRunFeed } from "./features/runs/index.ts";
import type { Router } from "./http/router.ts";
import { activity } from "./kernel/activity.ts";
import { answerMisconfigured } from "./misconfigured.ts";
import { sweep } from "./sweep.ts";

const apps = new WeakMap<Platform, Router>();

function appOf(platform: Platform): Router {
  let app = apps.get(platform);
  if (!app) apps.set(platform, (app = createApp(platform)));
  return app;
}

/** The Worker: HTTP by Hono, and the sweep by the clock. */
export default {
  async fetch(request, env, ctx) {
    activity.askedAt = Date.now();
    let app: Router;
    try {
      const platform = platformOf(env);
      app = appOf(platform instanceof Promise ? await platform : platform);
    } catch (error) {
      return answerMisconfigured(error, request);
    }
    return app.fetch(request, env, ctx);
  },
  scheduled: (_controller, env, ctx) => ctx.waitUntil(sweep(env)),
} satisfies ExportedHandler<Env>;

/** The live feed of one training run. */
export class RunFeed extends createRunFeed(runFeedPorts) {}

/** The pool that serves one model version. */
export class ModelPool extends createModelPool(modelPoolPorts) {}

/** The counts behind the rate limits, for one shard of the keys. */
export class RateWindow extends createRateWindow() {}

/** The link to one agent. */
export class AgentLink extends createAgentLink(agentLinkPorts) {}

/** The room where one notebook's cells are run. */
export class NotebookRoom extends createNotebookRoom(notebookRoomPorts) {}

/** The keeper of the audit trail. */
export class AuditLog extends createAuditLog(auditLogPorts) {}

/** The sum of what all isolates count. */
export class TrafficBoard extends createTrafficBoard() {}
