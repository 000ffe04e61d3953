import {
  createRoute,
  errors,
  IdParam,
  json,
  jsonBody,
  nextLink,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { createRouter } from "#http/router";
import { Agent } from "./agents.schema.ts";
import {
  AgentEvent,
  AgentLog,
  AgentMetrics,
  AgentStatus,
  LogsQuery,
  UpdateAgent,
} from "./operations.schema.ts";
import * as service from "./operations.service.ts";

export const operationRoutes = createRouter();
const tags = ["Agents"];
const security = signedIn;

operationRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/agents/{id}",
    tags,
    security,
    summary: "Rename an agent or change whom it serves",
    request: { params: IdParam, body: jsonBody(UpdateAgent) },
    responses: { 200: json(Agent, "The agent as it is now"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) =>
    c.json(await service.updateAgent(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 200),
);

operationRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents/{id}/status",
    tags,
    security,
    summary: "How an agent is and what it is doing",
    request: { params: IdParam },
    responses: { 200: json(AgentStatus, "As its link knows it"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getAgentStatus(c.var.ctx, c.req.valid("param").id), 200),
);

operationRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/agents/{id}/stop",
    tags,
    security,
    summary: "Drain an agent: no more work, then exit",
    description:
      "Answers at once; the state goes from `draining` to `stopped` when its work is done. Terminals are no work to wait for: they end at once, and who looks at one is told `drained`.",
    request: { params: IdParam },
    responses: { 200: json(AgentStatus, "The agent, draining"), ...errors(401, 403, 404, 409, 502, 503) },
  }),
  async (c) => c.json(await service.stopAgent(c.var.ctx, c.req.valid("param").id), 200),
);

operationRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/agents/{id}/restart",
    tags,
    security,
    summary: "Start an agent anew",
    description: "Ends its processes at once. Runs it holds are taken up again.",
    request: { params: IdParam },
    responses: { 200: json(AgentStatus, "The agent, starting"), ...errors(401, 403, 404, 409, 502, 503) },
  }),
  async (c) => c.json(await service.restartAgent(c.var.ctx, c.req.valid("param").id), 200),
);

operationRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents/{id}/metrics",
    tags,
    security,
    summary: "What its machine measured last, and what it has done",
    request: { params: IdParam },
    responses: { 200: json(AgentMetrics, "Figures; unknown ones are null"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getAgentMetrics(c.var.ctx, c.req.valid("param").id), 200),
);

operationRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents/{id}/logs",
    tags,
    security,
    summary: "An agent's own log, oldest line first",
    description: "The newest 5,000 lines are kept. Follow it with `after` set to the last `seq`.",
    request: { params: IdParam, query: LogsQuery },
    responses: { 200: json(z.array(AgentLog), "Lines"), ...errors(401, 403, 404, 422) },
  }),
  async (c) =>
    c.json(await service.listAgentLogs(c.var.ctx, c.req.valid("param").id, c.req.valid("query")), 200),
);

operationRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents/{id}/events",
    tags,
    security,
    summary: "Changes of an agent's state, newest first",
    request: { params: IdParam, query: PageQuery },
    responses: { 200: json(z.array(AgentEvent), "One page of events"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const page = pageOf(c.req.valid("query"));
    const { items, next } = await service.listAgentEvents(c.var.ctx, c.req.valid("param").id, page);
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);
