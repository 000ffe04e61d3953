import { AppError } from "../../kernel/errors.ts";

/** A token and what the header it came in takes: agents' tokens, programs' tokens, or any. */
export interface Credential {
  kind: "any" | "program" | "agent";
  token: string;
}

type Header = (name: string) => string | undefined;

/** An `Authorization` of another form is a credential too, one that is never valid here. */
const bearerOf = (header: string): string => /^Bearer +(\S+)$/i.exec(header)?.[1] ?? "";

/** Browsers cannot set headers on a WebSocket; they name the token as a protocol, `bearer.<access token>`. */
const tokenOfProtocols = (protocols: string): string | undefined =>
  /(?:^|,)\s*bearer\.([^\s,]+)/.exec(protocols)?.[1];

function* credentialsIn(header: Header): Generator<Credential> {
  const agent = header("x-ic-token");
  if (agent) yield { kind: "agent", token: agent };
  const program = header("x-api-token");
  if (program) yield { kind: "program", token: program };
  const authorization = header("authorization");
  if (authorization) yield { kind: "any", token: bearerOf(authorization) };
  const protocol = tokenOfProtocols(header("sec-websocket-protocol") ?? "");
  if (protocol !== undefined) yield { kind: "any", token: protocol };
}

const conflict = () =>
  new AppError(
    "bad_request",
    "CREDENTIALS_CONFLICT",
    "The request carries more than one credential, and they are not the same; send one.",
  );

/** The credential of a request. Several that differ are refused: to choose one would be to guess who is meant. */
export function credentialOf(header: Header): Credential | undefined {
  const [first, ...others] = credentialsIn(header);
  if (first && others.some(({ token }) => token !== first.token)) throw conflict();
  return first;
}
