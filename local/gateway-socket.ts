import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import type { Target } from "./gateway-target.ts";
import { openUpstream } from "./gateway-upstream.ts";
import { askPassword, fatal, readPassword, readStartup, welcome } from "./pg-wire.ts";

const LOGIN_MS = 15_000;

/**
 * Carries Postgres sessions over WebSockets. The gateway takes the client's password in clear (loopback) and logs in to
 * Postgres itself: the driver sends its password before it is asked, and its own SCRAM takes many times longer.
 */
export function createUpgradeHandler(target: Target, log: (line: string) => void) {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
  });
  return {
    handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      const address = new URL(request.url ?? "/", "http://gateway").searchParams.get("address");
      if (address?.toLowerCase() !== target.address) {
        return void socket.end("HTTP/1.1 403 Forbidden\r\n\r\nThis gateway leads to one database only.");
      }
      server.handleUpgrade(request, socket, head, (client) => {
        serve(client, target).catch((error: Error) => {
          if (!isHangUp(error)) log(`gateway: session ended: ${error.message}`);
        });
      });
    },
    close(): void {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

async function serve(socket: WebSocket, target: Target): Promise<void> {
  const client = createWebSocketStream(socket);
  // Errors reach us through the awaited calls; between two of them nobody would listen.
  client.on("error", () => {});
  const deadline = setTimeout(() => client.destroy(new Error("login took too long")), LOGIN_MS);
  try {
    const upstream = await logIn(client, target);
    clearTimeout(deadline);
    if (upstream) await pipeline(client, upstream, client);
  } finally {
    clearTimeout(deadline);
    client.destroy();
  }
}

/** Answers the client's login and returns a Postgres session that is ready for queries, or undefined if refused. */
async function logIn(client: Duplex, target: Target): Promise<Duplex | undefined> {
  const startup = await readStartup(client);
  client.write(askPassword());
  const user = startup.get("user") ?? "";
  if (!target.accepts(user, await readPassword(client))) {
    return await refuse(client, "28P01", `password authentication failed for user "${user}"`);
  }
  try {
    const upstream = await openUpstream(target.connection(startup.get("database") ?? user), startup);
    client.write(welcome(upstream.settings, upstream.processId, upstream.secretKey));
    return upstream.stream;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return await refuse(client, code && /^[0-9A-Z]{5}$/.test(code) ? code : "08001", message);
  }
}

/** Returns once the client has read the reason; the login's deadline still runs. */
function refuse(client: Duplex, code: string, reason: string): Promise<undefined> {
  return new Promise((resolve) => void client.end(fatal(code, reason), () => resolve(undefined)));
}

/** The driver ends sessions by closing the socket; half-finished streams are the normal end here. */
function isHangUp(error: Error & { code?: string }): boolean {
  return error.code === "ERR_STREAM_PREMATURE_CLOSE" || error.code === "ECONNRESET" || error.code === "EPIPE";
}
