import { createCtx, createLogFor, type Platform } from "./context.ts";
import { agentRoutes } from "./features/agents/index.ts";
import { auditGate, auditRoutes } from "./features/audit/index.ts";
import {
  accountPages,
  authenticate,
  authRoutes,
  compatRoutes,
  jwksRoutes,
  linkRoutes,
} from "./features/auth/index.ts";
import { builtinRoutes, datasetRoutes } from "./features/datasets/index.ts";
import { identityRoutes, oidcRoutes } from "./features/federation/index.ts";
import { inferenceRoutes } from "./features/inference/index.ts";
import { mailRoutes } from "./features/mail/index.ts";
import { metricsRoutes, trafficGate } from "./features/metrics/index.ts";
import { mfaRoutes } from "./features/mfa/index.ts";
import { modelRoutes } from "./features/models/index.ts";
import {
  cellRoutes,
  checkpointRoutes,
  executionRoutes,
  notebookRoutes,
  notebookStreamRoutes,
} from "./features/notebooks/index.ts";
import { retirementRoutes } from "./features/retirements/index.ts";
import { roleRoutes } from "./features/roles/index.ts";
import {
  artifactRoutes,
  feedRoutes,
  leaseRoutes,
  queueRoutes,
  runRoutes,
  streamRoutes,
} from "./features/runs/index.ts";
import { sessionRoutes } from "./features/sessions/index.ts";
import { pageRoutes, statusRoutes } from "./features/status/index.ts";
import { systemRoutes } from "./features/system/index.ts";
import { terminalRoutes } from "./features/terminal/index.ts";
import { tokenRoutes } from "./features/tokens/index.ts";
import { toolRoutes } from "./features/tools/index.ts";
import { uploadRoutes } from "./features/uploads/index.ts";
import { userAdminRoutes } from "./features/users/index.ts";
import { clientOf } from "./http/client-address.ts";
import type { AppContext } from "./http/context.ts";
import {
  crossOrigin,
  drainRefused,
  jsonBodyLimit,
  mediaTypes,
  requestId,
  requestLog,
  securityHeaders,
} from "./http/gates.ts";
import { mountDocument } from "./http/openapi.ts";
import { renderError } from "./http/render-error.ts";
import { isUnlimited, limitGenerally } from "./http/rate-limit.ts";
import { createRouter, type Router } from "./http/router.ts";
import type { Actor } from "./kernel/actor.ts";
import type { Client } from "./kernel/ctx.ts";
import { AppError } from "./kernel/errors.ts";

const MAX_JSON_BYTES = 4_000_000;

const PART = /^\/api\/models\/[^/]+\/uploads\/[^/]+\/parts\/[^/]+$/;
const ARTIFACT = /^\/api\/training\/runs\/[^/]+\/artifacts\/[^/]+$/;

/** Uploads are streamed and count their own bytes. */
const isUpload = (method: string, path: string): boolean =>
  (method === "POST" && (path === "/api/datasets" || path.endsWith("/versions"))) ||
  (method === "POST" && path === "/api/notebooks/import") ||
  (method === "PUT" &&
    (path.endsWith("/versions") ||
      path.endsWith("/model") ||
      [ARTIFACT, PART].some((upload) => upload.test(path)))) ||
  (method === "PUT" && /^\/api\/notebooks\/[^/]+\/checkpoints(?:$|\/)/.test(path));

/** The API's contents page: what every request passes, then the features. */
export function createApp(platform: Platform): Router {
  const app = createRouter();

  app.use(trafficGate(platform.traffic));
  app.use(requestId((id) => createLogFor(platform, id)));
  app.use(requestLog);
  app.use(securityHeaders);
  app.use(crossOrigin(platform.settings.allowedOrigins));
  app.use(drainRefused);
  app.use(mediaTypes);
  app.use(jsonBodyLimit(MAX_JSON_BYTES, isUpload));
  app.use(async (c, next) => {
    const client = clientOf(c.req.raw.headers, platform.settings.trustedHops);
    const actor = await countedActor(c, platform, client);
    const asked = { actor, requestId: c.get("requestId"), client };
    c.set(
      "ctx",
      createCtx(platform, asked, (work) => c.executionCtx.waitUntil(work)),
    );
    await next();
  });
  app.use(auditGate);

  app.route("/", pageRoutes);
  app.route("/", statusRoutes);
  app.route("/", authRoutes);
  app.route("/", linkRoutes);
  app.route("/", compatRoutes);
  app.route("/", jwksRoutes);
  app.route("/", oidcRoutes);
  app.route("/", identityRoutes);
  app.route("/", accountPages);
  app.route("/", sessionRoutes);
  app.route("/", mfaRoutes);
  app.route("/", tokenRoutes);
  app.route("/", roleRoutes);
  app.route("/", userAdminRoutes);
  app.route("/", auditRoutes);
  app.route("/", mailRoutes);
  app.route("/", agentRoutes);
  app.route("/", terminalRoutes);
  app.route("/", datasetRoutes);
  app.route("/", builtinRoutes);
  app.route("/", runRoutes);
  app.route("/", queueRoutes);
  app.route("/", artifactRoutes);
  app.route("/", feedRoutes);
  app.route("/", streamRoutes);
  app.route("/", leaseRoutes);
  app.route("/", modelRoutes);
  app.route("/", uploadRoutes);
  app.route("/", toolRoutes);
  app.route("/", inferenceRoutes);
  app.route("/", retirementRoutes);
  app.route("/", systemRoutes);
  app.route("/", metricsRoutes);
  app.route("/", notebookRoutes);
  app.route("/", cellRoutes);
  app.route("/", executionRoutes);
  app.route("/", checkpointRoutes);
  app.route("/", notebookStreamRoutes);
  mountDocument(app);

  app.notFound((c) => renderError(unknownAddress(app, c as AppContext), c as AppContext));
  app.onError((error, c) => renderError(error, c as AppContext));
  return app;
}

/** Who asks. Counts the call for the limit on everything, of whoever says to be an agent once it is clear what they are. */
async function countedActor(c: AppContext, platform: Platform, client: Client): Promise<Actor> {
  const count = () => limitGenerally(c, platform, client.network);
  if (c.req.header("x-ic-token") === undefined) {
    count();
    return authenticate(c, platform, client);
  }
  const actor = await authenticate(c, platform, client).catch((error: unknown) => {
    count();
    throw error;
  });
  if (!isUnlimited(actor)) count();
  return actor;
}

/** 405 when the address exists for other methods, 404 when it does not exist at all. */
function unknownAddress(app: Router, c: AppContext): AppError {
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) =>
    hasHandler(app, method, c.req.path),
  );
  if (methods.length === 0)
    return new AppError("not_found", "NOT_FOUND", "There is nothing at this address.");
  // A HEAD is answered wherever a GET is.
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : method));
  return new AppError("method_not_allowed", "METHOD_NOT_ALLOWED", `Use ${methods.join(" or ")} here.`, {
    allow,
  });
}

// Middleware matches every address; only an entry of the method itself is a handler.
const hasHandler = (app: Router, method: string, path: string): boolean =>
  app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
