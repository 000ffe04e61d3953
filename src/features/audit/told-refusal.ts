interface Refused {
  path: string;
  isRead: boolean;
  status: number;
  code: string;
}

const AUTH = /^(?:\/api)?(?:\/v1)?\/auth\//;
const OF_AUTH = new Set([401, 403, 409, 429]);
/** What everybody meets who looks in without having signed in, or a quarter of an hour after. */
const EVERYDAY = new Set(["TOKEN_MISSING", "TOKEN_EXPIRED"]);

/**
 * Whether a refusal belongs into the trail: anything refused on the way in, and elsewhere a lacking permission or a
 * credential that is none.
 */
export function isToldRefusal({ path, isRead, status, code }: Refused): boolean {
  if (AUTH.test(path)) return OF_AUTH.has(status) && !(isRead && EVERYDAY.has(code));
  return status === 403 || (status === 401 && code === "TOKEN_INVALID");
}
