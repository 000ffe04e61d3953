import { createRoute, errors, IdParam, inPerson, json, jsonBody } from "#http/contract";
import { createRouter } from "#http/router";
import { activateUser, approveUser, resetPassword, suspendUser } from "./user-states.service.ts";
import { AdminUser, SuspendUser } from "./users.schema.ts";

export const userStateRoutes = createRouter();
const tags = ["Administration"];

/** Each verb may be called either way: clients of other systems know it by PUT. */
const METHODS = ["post", "put"] as const;

const VERBS = [
  { verb: "activate", summary: "End a suspension", work: activateUser },
  { verb: "approve", summary: "Let in an account that waits for it", work: approveUser },
  { verb: "reset-password", summary: "Mail the owner a link to choose a password", work: resetPassword },
] as const;

for (const method of METHODS) {
  userStateRoutes.openapi(
    createRoute({
      method,
      path: "/api/admin/users/{id}/suspend",
      tags,
      security: inPerson,
      summary: "Shut an account out at once",
      request: { params: IdParam, body: jsonBody(SuspendUser) },
      responses: { 200: json(AdminUser, "The account"), ...errors(400, 401, 403, 404, 409, 415, 422) },
    }),
    async (c) =>
      c.json(await suspendUser(c.var.ctx, c.req.valid("param").id, c.req.valid("json").reason), 200),
  );

  for (const { verb, summary, work } of VERBS) {
    userStateRoutes.openapi(
      createRoute({
        method,
        path: `/api/admin/users/{id}/${verb}`,
        tags,
        security: inPerson,
        summary,
        request: { params: IdParam },
        responses: { 200: json(AdminUser, "The account"), ...errors(401, 403, 404) },
      }),
      async (c) => c.json(await work(c.var.ctx, c.req.valid("param").id), 200),
    );
  }
}
