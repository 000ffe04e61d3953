import { createRoute, errors, IdParam, json, jsonBody, signedIn } from "#http/contract";
import { createRouter } from "#http/router";
import { Assist, Assisted } from "./assist.schema.ts";
import { assist } from "./assist.service.ts";
import { CELL_TIMEOUT_MS, KernelState, StartNotebook } from "./execution.schema.ts";
import * as service from "./execution.service.ts";
import { Notebook } from "./notebooks.schema.ts";

export const executionRoutes = createRouter();
const tags = ["Notebooks"];
const security = signedIn;

executionRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/start",
    tags,
    security,
    summary: "Run all code cells in order, up to the first that fails",
    request: {
      params: IdParam,
      body: { required: false, content: { "application/json": { schema: StartNotebook } } },
    },
    responses: {
      200: json(Notebook, "The notebook, running"),
      ...errors(400, 401, 403, 404, 409, 415, 422),
    },
  }),
  async (c) => {
    const { timeout_ms: timeoutMs = CELL_TIMEOUT_MS } = c.req.valid("json") ?? {};
    return c.json(await service.startNotebook(c.var.ctx, c.req.valid("param").id, timeoutMs), 200);
  },
);

executionRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/stop",
    tags,
    security,
    summary: "Interrupt what runs and forget what waits",
    description: "Answers when it has stopped; a kernel that does not listen for five seconds is ended.",
    request: { params: IdParam },
    responses: { 200: json(Notebook, "The notebook"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.stopNotebook(c.var.ctx, c.req.valid("param").id), 200),
);

executionRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/restart",
    tags,
    security,
    summary: "Restart the kernel",
    description: "Stops what runs and drops all that cells have defined; the next cell starts a new kernel.",
    request: { params: IdParam },
    responses: { 200: json(KernelState, "The kernel"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.restartKernel(c.var.ctx, c.req.valid("param").id), 200),
);

executionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/kernel",
    tags,
    security,
    summary: "Get the kernel's state and what waits for it",
    request: { params: IdParam },
    responses: { 200: json(KernelState, "The kernel"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getKernel(c.var.ctx, c.req.valid("param").id), 200),
);

executionRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/ai-assist",
    tags,
    security,
    summary: "Have the language model suggest a cell",
    description:
      "Nothing is put into the notebook. Its name, links and cells are sent along; its owner alone may ask.",
    request: { params: IdParam, body: jsonBody(Assist) },
    responses: { 200: json(Assisted, "The suggestion"), ...errors(400, 401, 403, 404, 415, 422, 502, 503) },
  }),
  async (c) =>
    c.json(await assist(c.var.ctx, c.req.valid("param").id, c.req.valid("json"), c.req.raw.signal), 200),
);
