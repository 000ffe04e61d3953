import { createRoute as createOpenRoute, z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { unauthenticated } from "../kernel/actor.ts";
import type { AppEnv } from "./context.ts";
import type { Page } from "../kernel/page.ts";
import { decodeCursor } from "../kernel/page.ts";

/** The one error shape, everywhere. */
export const ErrorBody = z
  .object({
    error: z.string().openapi({ description: "For people." }),
    code: z
      .string()
      .openapi({ description: "For programs; UPPER_SNAKE and stable.", example: "RUN_NOT_FOUND" }),
    details: z.record(z.string(), z.unknown()).optional(),
    request_id: z.string(),
  })
  .openapi("Error");

const ERROR_TEXT = {
  400: "The request could not be read",
  401: "No valid credential",
  403: "Not allowed for this role",
  404: "Not there, or not yours",
  409: "Conflicts with the present state",
  413: "Too large",
  415: "Content type not accepted here",
  416: "Range not satisfiable",
  422: "Understood, but not valid",
  429: "Too many requests; see Retry-After",
  501: "Not supported here",
  502: "A system behind this one failed",
  503: "Not available now; see Retry-After",
} as const;
type ErrorStatus = keyof typeof ERROR_TEXT;

const errorResponse = (status: ErrorStatus) => ({
  description: ERROR_TEXT[status],
  content: { "application/json": { schema: ErrorBody } },
});

type ErrorResponses<S extends ErrorStatus> = { [K in S]: ReturnType<typeof errorResponse> };

/** Response entries for the refusals an operation may answer with. */
export const errors = <S extends ErrorStatus>(...statuses: S[]): ErrorResponses<S> =>
  Object.fromEntries(statuses.map((status) => [status, errorResponse(status)])) as ErrorResponses<S>;

/** A JSON response of the given shape. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** A required JSON request body of the given shape. */
export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true as const,
  content: { "application/json": { schema } },
});

export const noContent = { description: "Done; nothing to say." };

/** Every operation that is not public names how one gets in. */
export const signedIn: Record<string, string[]>[] = [{ bearer: [] }, { apiToken: [] }];
/** For what a program's token cannot do: a session of a person's. */
export const inPerson: Record<string, string[]>[] = [{ bearer: [] }];
export const agentToken: Record<string, string[]>[] = [{ icToken: [] }];

/**
 * Turns away whoever names nobody, before the input is looked at. What the caller may do is the verb's to say; a
 * stream's ticket is the verb's to check.
 */
const knownCaller = createMiddleware<AppEnv>(async (c, next) => {
  const { actor } = c.get("ctx");
  if (actor.kind === "anonymous" && c.req.query("ticket") === undefined) throw unauthenticated(actor);
  await next();
});

/** Zod-OpenAPI's `createRoute`, with the guard that an operation's `security` promises. */
export const createRoute = ((config) =>
  createOpenRoute(
    config.security ? { ...config, middleware: [knownCaller, ...[config.middleware ?? []].flat()] } : config,
  )) as typeof createOpenRoute;

/** Path parameters that are ids; a malformed one is simply not found. In lower case, since objects go by their id. */
export const IdParam = z.object({
  id: z
    .uuid()
    .toLowerCase()
    .openapi({ param: { name: "id", in: "path" } }),
});

export const Timestamp = z.iso.datetime({ offset: true }).openapi({ description: "RFC 3339, UTC." });

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100).openapi({ description: "Rows per page." }),
  cursor: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'From the `Link: …; rel="next"` header of the last page.' }),
});

export const pageOf = (query: z.infer<typeof PageQuery>): Page => ({
  limit: query.limit,
  ...(query.cursor !== undefined && { after: decodeCursor(query.cursor) }),
});

/** `Link` header pointing at the next page of the present address; none on the last page. */
export function nextLink(url: string, cursor: string | undefined): Record<string, string> {
  if (cursor === undefined) return {};
  const next = new URL(url);
  next.searchParams.set("cursor", cursor);
  return { link: `<${next.pathname}${next.search}>; rel="next"` };
}

export { z };
