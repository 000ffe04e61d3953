import { createRoute, errors, json, nextLink, PageQuery, pageOf, inPerson, z } from "#http/contract";
import { createRouter } from "#http/router";
import { OutboxMail } from "./mail.schema.ts";
import { listMails } from "./mail.service.ts";

export const mailRoutes = createRouter();

mailRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/mail",
    tags: ["Administration"],
    security: inPerson,
    summary: "List the mail that was sent, or lies in the outbox",
    description:
      "Whose role is `admin`, with nothing denied, also sees what a mail says while it lies in the outbox. For everybody else `subject` and `text` are null, since links in a mail act for whom it was sent to.",
    request: { query: PageQuery },
    responses: { 200: json(z.array(OutboxMail), "Newest first"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await listMails(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);
