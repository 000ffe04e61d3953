import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { createHttpHandler } from "./gateway-http.ts";
import { createUpgradeHandler } from "./gateway-socket.ts";
import { parseTarget } from "./gateway-target.ts";

/** Speaks the protocol of Neon's serverless driver in front of an ordinary Postgres, on loopback only. */
export interface Gateway {
  /** What the Worker gets as `NEON_PROXY`. */
  url: string;
  close(): Promise<void>;
}

export async function startGateway(databaseUrl: string, log: (line: string) => void): Promise<Gateway> {
  const target = parseTarget(databaseUrl);
  const http = createHttpHandler(target, log);
  const sockets = createUpgradeHandler(target, log);
  const server = createServer((request, response) => {
    const reason = refuse(request);
    if (reason !== undefined) return void response.writeHead(403).end(reason);
    return void http.handle(request, response);
  });
  server.on("upgrade", (request, socket, head) => {
    const reason = refuse(request);
    if (reason !== undefined) return void socket.end(`HTTP/1.1 403 Forbidden\r\n\r\n${reason}`);
    return sockets.handle(request, socket, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("The gateway has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      sockets.close();
      server.close();
      server.closeAllConnections();
      await http.close();
    },
  };
}

/** Web pages must not get here: neither openly (Origin) nor through a name that resolves to loopback (Host). */
function refuse(request: IncomingMessage): string | undefined {
  if (request.headers.origin !== undefined) return "The gateway does not serve web pages.";
  const host = request.headers.host?.replace(/:\d+$/, "");
  return host === "127.0.0.1" || host === "localhost"
    ? undefined
    : "The gateway is reached by 127.0.0.1 only.";
}
