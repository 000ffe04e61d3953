import type { Settings } from "../../kernel/ctx.ts";
import { invalidFields } from "../../kernel/errors.ts";

/** Where a browser is sent once it is signed in. */
export interface ReturnTo {
  /** Without a fragment, which is ours to add. */
  url: string;
  /** Whether it is a page of this deployment's, whose requests carry its cookies. */
  isOwn: boolean;
}

const refused = () =>
  invalidFields("query", [{ path: "return_to", message: "must be an address of this deployment's pages" }]);

/**
 * Checks where to go after signing in: a path here, or an address of an origin that may call the API. `*` among those
 * is no such origin: a login must not lead to just any page.
 */
export function checkReturnTo(
  { publicUrl, allowedOrigins }: Pick<Settings, "publicUrl" | "allowedOrigins">,
  given = "/login",
): ReturnTo {
  if (!URL.canParse(given, publicUrl)) throw refused();
  const url = new URL(given, publicUrl);
  const isOwn = url.origin === new URL(publicUrl).origin;
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  const isPlain = url.username === "" && url.password === "";
  if (!isWeb || !isPlain || !(isOwn || allowedOrigins.has(url.origin))) throw refused();
  url.hash = "";
  return { url: url.href, isOwn };
}
