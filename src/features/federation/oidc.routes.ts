import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { AppContext } from "#http/context";
import { createRoute, errors, inPerson, json, jsonBody, z } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { MfaRequired } from "../mfa/index.ts";
import { SignedIn } from "../sessions/index.ts";
import type { BrowserProof } from "./browser-proof.ts";
import { finishTrip } from "./oidc-callback.service.ts";
import { exchangeCode } from "./oidc-exchange.service.ts";
import {
  CallbackQuery,
  Exchange,
  LinkQuery,
  LinkStart,
  LoginQuery,
  Provider,
  ProviderParam,
} from "./oidc.schema.ts";
import { proofCookieName, proofCookieOptions } from "./proof-cookie.ts";
import { listProviders, startLink, startLogin } from "./oidc-start.service.ts";

export const oidcRoutes = createRouter();
const tags = ["Identity providers"];
const away = { description: "On to the provider; back to the page with `#oidc_error=…` when that is out" };
const back = {
  description: "Back to the page, with `#oidc_code=…`, `#oidc_linked=…` or `#oidc_error=…`",
};

const publicUrlOf = (c: AppContext) => c.var.ctx.settings.publicUrl;
const proofOf = (c: AppContext, token = "") => getCookie(c, proofCookieName(publicUrlOf(c), token));

function keepProof(c: AppContext, { key, secret, ttlSeconds }: BrowserProof): void {
  const options = { ...proofCookieOptions(publicUrlOf(c)), maxAge: ttlSeconds };
  setCookie(c, proofCookieName(publicUrlOf(c), key), secret, options);
}

function dropProof(c: AppContext, token = ""): void {
  if (proofOf(c, token) === undefined) return;
  deleteCookie(c, proofCookieName(publicUrlOf(c), token), proofCookieOptions(publicUrlOf(c)));
}

oidcRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/oidc",
    tags,
    summary: "List the identity providers",
    responses: { 200: json(z.array(Provider), "In the order of the configuration") },
  }),
  (c) => c.json(listProviders(c.var.ctx), 200),
);

oidcRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/oidc/{provider}/login",
    tags,
    summary: "Sign in through an identity provider",
    description: "For a browser to go to, not for programs to call.",
    middleware: limitByAddress("login"),
    request: { params: ProviderParam, query: LoginQuery },
    responses: { 302: away, ...errors(404, 422, 429) },
  }),
  async (c) => {
    const { url, proof } = await startLogin(c.var.ctx, c.req.valid("param").provider, c.req.valid("query"));
    if (proof) keepProof(c, proof);
    c.header("cache-control", "no-store");
    return c.redirect(url, 302);
  },
);

oidcRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/oidc/{provider}/callback",
    tags,
    summary: "Where an identity provider sends the browser back to",
    middleware: limitByAddress("refresh"),
    request: { params: ProviderParam, query: CallbackQuery },
    responses: { 303: back, ...errors(404, 422, 429) },
  }),
  async (c) => {
    const { state } = c.req.valid("query");
    const { provider } = c.req.valid("param");
    const query = new URL(c.req.url).search;
    const { url, proof } = await finishTrip(c.var.ctx, {
      provider,
      state,
      query,
      secret: proofOf(c, state),
    });
    dropProof(c, state);
    if (proof) keepProof(c, proof);
    c.header("cache-control", "no-store");
    return c.redirect(url, 303);
  },
);

oidcRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/oidc/exchange",
    tags,
    summary: "Trade the code of a finished sign-in for a session",
    description:
      "By the browser that signed in, whose cookie goes along, or with the verifier of the `code_challenge` it began with. One use, within a minute.",
    middleware: limitByAddress("refresh"),
    request: { body: jsonBody(Exchange) },
    responses: {
      200: json(z.union([SignedIn, MfaRequired]), "Tokens and the account, or the second step"),
      ...errors(400, 401, 403, 415, 422, 429),
    },
  }),
  async (c) => {
    const exchange = c.req.valid("json");
    const answer = await exchangeCode(c.var.ctx, exchange, proofOf(c, exchange.code));
    dropProof(c, exchange.code);
    return c.json(answer, 200);
  },
);

oidcRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/oidc/{provider}/link",
    tags,
    summary: "Add an identity to your account",
    description:
      "Needs a password or a factor shown within five minutes. To be called from a page of this deployment's own: the browser must keep the cookie of the answer.",
    security: inPerson,
    request: { params: ProviderParam, query: LinkQuery },
    responses: { 200: json(LinkStart, "Where to send the browser"), ...errors(401, 403, 404, 422, 503) },
  }),
  async (c) => {
    const { provider } = c.req.valid("param");
    const { url, proof } = await startLink(c.var.ctx, provider, c.req.valid("query").return_to);
    if (proof) keepProof(c, proof);
    return c.json({ url }, 200);
  },
);
