import { createRoute, errors, json, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { AuditEvent, AuditQuery, AuditVerdict } from "./audit.schema.ts";
import { listAudit, verifyAudit } from "./audit.service.ts";

export const auditRoutes = createRouter();
const tags = ["Audit"];

auditRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/audit",
    tags,
    security: signedIn,
    summary: "Read the audit trail, newest first",
    request: { query: AuditQuery },
    responses: { 200: json(z.array(AuditEvent), "One page of events"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, before } = await listAudit(c.var.ctx, c.req.valid("query"));
    if (before === undefined) return c.json(items, 200);
    const next = new URL(c.req.url);
    next.searchParams.set("before", String(before));
    return c.json(items, 200, { link: `<${next.pathname}${next.search}>; rel="next"` });
  },
);

auditRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/audit/verify",
    tags,
    security: signedIn,
    summary: "Check that nothing in the audit trail was changed, removed or cut off",
    responses: { 200: json(AuditVerdict, "What was found"), ...errors(401, 403) },
  }),
  async (c) => c.json(await verifyAudit(c.var.ctx), 200),
);
