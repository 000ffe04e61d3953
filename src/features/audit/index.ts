/**
 * The audit trail: what happened, who did it, from where, in a chain that shows every change made to it afterwards.
 * Table: audit_events (append only). Object: AuditLog, one (its storage: `event:*`, `head`).
 */
export { type AuditLogPorts, createAuditLog } from "./audit-log.object.ts";
export { auditRoutes } from "./audit.routes.ts";
export { sweepAudit } from "./audit.service.ts";
export { type AuditArchive, createAuditArchive } from "./audit.repo.ts";
export { auditGate } from "./audit-gate.ts";
