import { bodyLimit } from "hono/body-limit";
import {
  createRoute,
  errors,
  IdParam,
  json,
  jsonBody,
  nextLink,
  noContent,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { attachment } from "#http/download";
import { createRouter } from "#http/router";
import { AppError } from "../../kernel/errors.ts";
import {
  CreateNotebook,
  ExportedNotebook,
  ImportNotebook,
  Notebook,
  NotebookItem,
  UpdateNotebook,
} from "./notebooks.schema.ts";
import * as service from "./notebooks.service.ts";

export const notebookRoutes = createRouter();
const tags = ["Notebooks"];
const security = signedIn;

notebookRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks",
    tags,
    security,
    summary: "List notebooks, latest change first",
    request: { query: PageQuery },
    responses: { 200: json(z.array(NotebookItem), "One page of notebooks"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await service.listNotebooks(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

notebookRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks",
    tags,
    security,
    summary: "Create a notebook",
    request: { body: jsonBody(CreateNotebook) },
    responses: { 201: json(Notebook, "The new notebook"), ...errors(400, 401, 403, 413, 415, 422) },
  }),
  async (c) => c.json(await service.createNotebook(c.var.ctx, c.req.valid("json")), 201),
);

// 10 MB of notebook, each character of which may take two in JSON.
const MAX_IMPORT_BODY = 22_000_000;
const importLimit = bodyLimit({
  maxSize: MAX_IMPORT_BODY,
  onError: () => {
    throw new AppError("too_large", "BODY_TOO_LARGE", "A notebook may have at most 10 MB.");
  },
});

notebookRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/import",
    tags,
    security,
    summary: "Import a Jupyter notebook",
    description:
      "nbformat 4, and 3 as far as 4 has a place for it. Ids, outputs, metadata and unknown keys are kept.",
    request: { body: jsonBody(ImportNotebook) },
    middleware: importLimit,
    responses: { 201: json(Notebook, "The new notebook"), ...errors(400, 401, 403, 413, 415, 422) },
  }),
  async (c) => c.json(await service.importNotebook(c.var.ctx, c.req.valid("json")), 201),
);

// `import` is no notebook of that name.
notebookRoutes.on(["GET", "PUT", "PATCH", "DELETE"], "/api/notebooks/import", () => {
  throw new AppError("method_not_allowed", "METHOD_NOT_ALLOWED", "Use POST here.", { allow: ["POST"] });
});

notebookRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}",
    tags,
    security,
    summary: "Get a notebook with its cells",
    request: { params: IdParam },
    responses: { 200: json(Notebook, "The notebook"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getNotebook(c.var.ctx, c.req.valid("param").id), 200),
);

notebookRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/notebooks/{id}",
    tags,
    security,
    summary: "Change a notebook, or save its cells",
    description: "Cells sent with their id keep their outputs and counters.",
    request: { params: IdParam, body: jsonBody(UpdateNotebook) },
    responses: { 200: json(Notebook, "The notebook"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) =>
    c.json(await service.updateNotebook(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 200),
);

notebookRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/notebooks/{id}",
    tags,
    security,
    summary: "Delete a notebook with its checkpoints, ending what runs",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.deleteNotebook(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

const ExportQuery = z.object({
  format: z.enum(["ipynb", "jupyter"]).default("ipynb"),
  download: z.enum(["true", "false"]).default("false").openapi({ description: "`true`: the file itself." }),
});

notebookRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/export",
    tags,
    security,
    summary: "Export a notebook as nbformat 4.5",
    request: { params: IdParam, query: ExportQuery },
    responses: {
      200: json(ExportedNotebook, "The file's text, or with `download` the file"),
      ...errors(401, 403, 404, 422),
    },
  }),
  async (c) => {
    const { format, download } = c.req.valid("query");
    const { content, filename } = await service.exportNotebook(c.var.ctx, c.req.valid("param").id);
    if (download === "false") return c.json({ content, format, filename }, 200);
    // A handler's type knows the JSON answer alone.
    return c.body(content, 200, {
      "content-type": "application/x-ipynb+json",
      "content-disposition": attachment(filename),
    }) as never;
  },
);
