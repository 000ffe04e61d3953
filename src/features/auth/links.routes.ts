import { createRoute, errors, json, jsonBody, noContent, inPerson } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { User } from "../accounts/index.ts";
import {
  Accepted,
  AddressOnly,
  ChangeEmail,
  ChangePassword,
  Done,
  LinkBody,
  LinkQuery,
  ResetPassword,
} from "./auth.schema.ts";
import { askEmailChange, confirmEmailChange } from "./email-change.service.ts";
import { changePassword, forgotPassword, resetPassword } from "./password.service.ts";
import { approveByLink, resendVerification, verifyEmail } from "./registration.service.ts";

/** What is asked for by mail, and the links in it. */
export const linkRoutes = createRouter();
const tags = ["Account"];
const seeOther = { description: "On to the page that says how it went" };
const MAILED = "If there is such an account, a mail is on its way.";

linkRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/verify-email",
    tags,
    summary: "Take the link that verifies an address",
    middleware: limitByAddress("reset"),
    request: { query: LinkQuery },
    responses: { 303: seeOther, ...errors(401, 422, 429) },
  }),
  async (c) => c.redirect(`/login?${await verifyEmail(c.var.ctx, c.req.valid("query").token)}=true`, 303),
);

linkRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/verify-email/resend",
    tags,
    summary: "Ask for another link that verifies an address",
    middleware: limitByAddress("reset"),
    request: { body: jsonBody(AddressOnly) },
    responses: { 202: json(Accepted, MAILED), ...errors(400, 415, 422, 429) },
  }),
  async (c) => {
    await resendVerification(c.var.ctx, c.req.valid("json").email);
    return c.json({ success: true as const, message: MAILED }, 202);
  },
);

linkRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/approve-user",
    tags,
    security: inPerson,
    summary: "Let in the account a mailed link is about",
    description: "Administrators only; the link that was mailed to them (a GET) shows a page that asks.",
    request: { body: jsonBody(LinkBody) },
    responses: { 200: json(User, "The account, let in"), ...errors(400, 401, 403, 409, 415, 422) },
  }),
  async (c) => c.json(await approveByLink(c.var.ctx, c.req.valid("json").token), 200),
);

linkRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/password/forgot",
    tags,
    summary: "Ask for a link to choose a new password",
    middleware: limitByAddress("reset"),
    request: { body: jsonBody(AddressOnly) },
    responses: { 202: json(Accepted, MAILED), ...errors(400, 415, 422, 429) },
  }),
  async (c) => {
    await forgotPassword(c.var.ctx, c.req.valid("json").email);
    return c.json({ success: true as const, message: MAILED }, 202);
  },
);

linkRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/password/reset",
    tags,
    summary: "Choose a new password by a mailed link",
    description: "Signs nobody in and ends every session of the account; a second factor stays what it is.",
    middleware: limitByAddress("reset"),
    request: { body: jsonBody(ResetPassword) },
    responses: { 200: json(Done, "The new password is in force"), ...errors(400, 401, 415, 422, 429, 503) },
  }),
  async (c) => {
    await resetPassword(c.var.ctx, c.req.valid("json"));
    return c.json({ success: true as const }, 200);
  },
);

linkRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/password/change",
    tags,
    security: inPerson,
    summary: "Change your password",
    description: "Ends all your other sessions.",
    request: { body: jsonBody(ChangePassword) },
    responses: { 204: noContent, ...errors(400, 401, 403, 415, 422, 429, 503) },
  }),
  async (c) => {
    await changePassword(c.var.ctx, c.req.valid("json"));
    return c.body(null, 204);
  },
);

linkRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/email/change",
    tags,
    security: inPerson,
    summary: "Ask for another address",
    description: "A link is mailed to the new address; until it is opened, the old one stays.",
    request: { body: jsonBody(ChangeEmail) },
    responses: { 202: json(Accepted, "A mail is on its way"), ...errors(400, 401, 403, 415, 422, 429, 503) },
  }),
  async (c) => {
    await askEmailChange(c.var.ctx, c.req.valid("json"));
    return c.json({ success: true as const, message: "Open the link we mailed to the new address." }, 202);
  },
);

linkRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/email/confirm",
    tags,
    summary: "Take the link that confirms a new address",
    middleware: limitByAddress("reset"),
    request: { query: LinkQuery },
    responses: { 303: seeOther, ...errors(401, 422, 429) },
  }),
  async (c) => {
    await confirmEmailChange(c.var.ctx, c.req.valid("query").token);
    return c.redirect("/login?email_changed=true", 303);
  },
);
