import { agentToken, createRoute, errors } from "#http/contract";
import { createRouter } from "#http/router";
import { requireUpgrade, switching } from "#http/web-socket";
import { allowAgent } from "../../kernel/actor.ts";

export const connectRoutes = createRouter();

connectRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agent-link",
    tags: ["Agents' work"],
    security: agentToken,
    summary: "An agent's link (WebSocket)",
    description:
      "Protocol `myelin.agent.v1`, JSON in text frames. Of two programs under one identity the first stays while it is alive; the other is closed with 4009.",
    responses: { ...switching, ...errors(400, 401, 403) },
  }),
  (c) => {
    const agent = allowAgent(c.var.ctx);
    requireUpgrade(c);
    const request = new Request("https://link/", { headers: { upgrade: "websocket" } });
    return c.var.ctx.agentLinks.of(agent.id).connect(request);
  },
);
