import { createRoute, errors, IdParam, json, jsonBody, noContent, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import * as execution from "./execution.service.ts";
import { Execute, ExecuteReply } from "./execution.schema.ts";
import * as service from "./cells.service.ts";
import { AddCell, Cell, UpdateCell } from "./notebooks.schema.ts";

export const cellRoutes = createRouter();
const tags = ["Notebooks"];
const security = signedIn;

const CellParams = IdParam.extend({
  cell_id: z
    .string()
    .max(64)
    .openapi({ param: { name: "cell_id", in: "path" } }),
});

cellRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/cells",
    tags,
    security,
    summary: "Add a cell",
    request: { params: IdParam, body: jsonBody(AddCell) },
    responses: { 201: json(Cell, "The new cell"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) => c.json(await service.addCell(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 201),
);

cellRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/notebooks/{id}/cells/{cell_id}",
    tags,
    security,
    summary: "Change or move a cell",
    request: { params: CellParams, body: jsonBody(UpdateCell) },
    responses: { 200: json(Cell, "The cell"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) => {
    const { id, cell_id: cellId } = c.req.valid("param");
    return c.json(await service.updateCell(c.var.ctx, id, cellId, c.req.valid("json")), 200);
  },
);

cellRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/notebooks/{id}/cells/{cell_id}",
    tags,
    security,
    summary: "Delete a cell",
    request: { params: CellParams },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    const { id, cell_id: cellId } = c.req.valid("param");
    await service.deleteCell(c.var.ctx, id, cellId);
    return c.body(null, 204);
  },
);

cellRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/cells/{cell_id}/execute",
    tags,
    security,
    summary: "Run a cell",
    description:
      "Waits for its turn and its end. A cell that fails is answered with 200 and the status `error`; outputs come over the stream while it runs.",
    request: { params: CellParams, body: jsonBody(Execute) },
    responses: { 200: json(ExecuteReply, "How it ended"), ...errors(400, 401, 403, 404, 409, 415, 422, 503) },
  }),
  async (c) => {
    const { id, cell_id: cellId } = c.req.valid("param");
    const { timeout_ms: timeoutMs } = c.req.valid("json");
    return c.json(await execution.executeCell(c.var.ctx, id, cellId, timeoutMs), 200);
  },
);
