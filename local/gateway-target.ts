import { createHash, timingSafeEqual } from "node:crypto";
import type { ClientConfig } from "pg";

/** The one Postgres a gateway speaks to, and who may pass. */
export interface Target {
  /** `host:port`, as the Neon driver names it in `?address=`. */
  address: string;
  /** What `pg` needs to reach one of its databases. */
  connection(database: string): ClientConfig;
  accepts(user: string, password: string): boolean;
}

/** Reads the target from a connection URL. Throws on anything that is no Postgres URL. */
export function parseTarget(databaseUrl: string): Target {
  const url = parsePostgresUrl(databaseUrl);
  const expected = digest(decodeURIComponent(url.username), decodeURIComponent(url.password));
  return {
    address: addressOf(url),
    connection(database) {
      const other = new URL(url);
      other.pathname = `/${encodeURIComponent(database)}`;
      return { connectionString: other.href };
    },
    accepts: (user, password) => timingSafeEqual(digest(user, password), expected),
  };
}

/** The database a connection string asks for, or undefined when the string does not open this target. */
export function admit(target: Target, connectionString: string): string | undefined {
  try {
    const url = parsePostgresUrl(connectionString);
    const known = target.accepts(decodeURIComponent(url.username), decodeURIComponent(url.password));
    return known && addressOf(url) === target.address ? databaseOf(url) : undefined;
  } catch (error) {
    // Malformed: no URL at all, another protocol, or broken escapes.
    if (error instanceof TypeError || error instanceof URIError) return undefined;
    throw error;
  }
}

/** A hosted Neon endpoint speaks the driver's protocol itself and needs no gateway. */
export function isNeon(databaseUrl: string): boolean {
  return /\.neon\.(tech|build)$/.test(parsePostgresUrl(databaseUrl).hostname);
}

function parsePostgresUrl(text: string): URL {
  const url = new URL(text);
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") {
    throw new TypeError(`A Postgres URL starts with postgres:// or postgresql://, not ${url.protocol}//`);
  }
  return url;
}

const addressOf = (url: URL) => `${url.hostname.toLowerCase()}:${url.port || "5432"}`;

const databaseOf = (url: URL) =>
  decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username);

// Digests have one length, which the constant-time comparison needs.
const digest = (user: string, password: string) =>
  createHash("sha256").update(`${user}\0${password}`).digest();
