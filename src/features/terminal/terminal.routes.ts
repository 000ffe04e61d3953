import { createRoute, errors, inPerson, json, jsonBody, noContent, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { refuseForeignPages, requireUpgrade, switching } from "#http/web-socket";
import { TERMINAL_HEADER } from "../../kernel/ports/agent-links.ts";
import { refusedBy, ticketInvalid, ticketRequired } from "./terminal.errors.ts";
import { OpenTerminal, TerminalInfo, TerminalTicket } from "./terminal.schema.ts";
import * as service from "./terminal.service.ts";

export const terminalRoutes = createRouter();
const tags = ["Terminal"];

const InfoQuery = z.object({
  agent_id: z.uuid().optional().openapi({ description: "One agent alone; else the newest 100." }),
});

terminalRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/terminal/info",
    tags,
    security: signedIn,
    summary: "Where there is a terminal, and why not elsewhere",
    request: { query: InfoQuery },
    responses: { 200: json(TerminalInfo, "By agent"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => c.json(await service.getTerminalInfo(c.var.ctx, c.req.valid("query").agent_id), 200),
);

terminalRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/terminal/ticket",
    tags,
    security: inPerson,
    summary: "Get a one-use ticket for a terminal",
    description:
      "The second factor, or the password where there is none, must have been shown within five minutes (`POST /api/auth/reauthenticate`).",
    request: { body: jsonBody(OpenTerminal) },
    responses: {
      201: json(TerminalTicket, "Good once, for a minute"),
      ...errors(400, 401, 403, 404, 409, 415, 422),
    },
  }),
  async (c) => c.json(await service.createTerminalTicket(c.var.ctx, c.req.valid("json")), 201),
);

terminalRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/terminal",
    tags,
    security: [{ streamTicket: [] }],
    summary: "A shell on an agent's machine (WebSocket)",
    description:
      "Without a protocol, text frames carry what the shell says and what is typed, and a frame that is `ESC [ 8 ; rows ; columns t` resizes. With the protocol `myelin.terminal`, binary frames carry the bytes and JSON the rest: `{type:resize,rows,columns}`, `{type:ack,offset}`, `{type:close}`; back come `hello` (with `recording: true` where what the shell says is recorded), `recording` (`truncated`: no more of it is) and `exit` with its `reason`: `exit`, `idle`, `time`, `closed`, `abandoned`, `drained` (the agent was told to stop) or `lost`. It closes with 1000 `exit <code>`, 4001 (signed out), 4002 (not what a page says, or more than can wait for the agent), 4008 (idle), 4010 (looked at elsewhere), 4011 (it has to be recorded and cannot be) or 1011 (the agent is gone).",
    request: { query: z.object({ ticket: z.string().max(200).optional() }) },
    responses: { ...switching, ...errors(400, 401, 403, 409, 422, 502, 503) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const { ticket } = c.req.valid("query");
    refuseForeignPages(c);
    if (ticket === undefined) throw ticketRequired();
    // A ticket is good once, so it is used only where a terminal can be opened with it.
    requireUpgrade(c);
    const { agentId, facts } = await service.redeemTerminalTicket(ctx, ticket);
    const headers = new Headers({ upgrade: "websocket", [TERMINAL_HEADER]: JSON.stringify(facts) });
    const protocols = c.req.header("sec-websocket-protocol");
    if (protocols !== undefined) headers.set("sec-websocket-protocol", protocols);
    const response = await ctx.agentLinks.of(agentId).openTerminal(new Request("https://link/", { headers }));
    if (response.status === 401) throw ticketInvalid();
    if (response.status !== 101) {
      const { code, message } = await response.json<{ code: string; message: string }>();
      throw refusedBy(response.status, code, message);
    }
    await service.noteTerminal(ctx, agentId, facts);
    return response;
  },
);

terminalRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/terminal/{agent_id}/{session}",
    tags,
    security: signedIn,
    summary: "End a terminal",
    request: {
      params: z.object({ agent_id: z.uuid().toLowerCase(), session: z.uuid().toLowerCase() }),
    },
    responses: { 204: noContent, ...errors(401, 403, 404, 409) },
  }),
  async (c) => {
    const { agent_id: agentId, session } = c.req.valid("param");
    await service.closeTerminal(c.var.ctx, agentId, session);
    return c.body(null, 204);
  },
);
