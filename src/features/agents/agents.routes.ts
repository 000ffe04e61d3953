import {
  createRoute,
  errors,
  IdParam,
  inPerson,
  json,
  jsonBody,
  nextLink,
  noContent,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { createRouter } from "#http/router";
import { Agent, CreateAgent, CreatedAgent } from "./agents.schema.ts";
import * as service from "./agents.service.ts";

export const agentRoutes = createRouter();
const tags = ["Agents"];
const security = signedIn;

agentRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents",
    tags,
    security,
    summary: "List agents, newest first",
    request: { query: PageQuery },
    responses: { 200: json(z.array(Agent), "One page of agents"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await service.listAgents(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

agentRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/agents",
    tags,
    security: inPerson,
    summary: "Register an agent and get its token",
    request: { body: jsonBody(CreateAgent) },
    responses: {
      201: json(CreatedAgent, "The agent and its token"),
      ...errors(400, 401, 403, 409, 415, 422),
    },
  }),
  async (c) => c.json(await service.createAgent(c.var.ctx, c.req.valid("json")), 201),
);

agentRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents/{id}",
    tags,
    security,
    summary: "Get an agent",
    request: { params: IdParam },
    responses: { 200: json(Agent, "The agent"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getAgent(c.var.ctx, c.req.valid("param").id), 200),
);

agentRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/agents/{id}",
    tags,
    security,
    summary: "Remove an agent",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.deleteAgent(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
