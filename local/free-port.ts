import { createServer } from "node:net";
import { Refusal, hasCode } from "./refusal.ts";

/** A loopback port nobody listens on right now. */
export async function freePort(): Promise<number> {
  return await listenBriefly(0, "127.0.0.1");
}

/** Refuses with a sentence when something listens on `host:port` already. */
export async function requireFree(port: number, host: string): Promise<void> {
  if (port === 0) return;
  try {
    await listenBriefly(port, host);
  } catch (error) {
    if (hasCode(error, "EADDRINUSE")) {
      throw new Refusal(
        `Port ${port} on ${host} is taken by another program. Choose another one with --port.`,
      );
    }
    if (hasCode(error, "EACCES")) throw new Refusal(`Port ${port} needs rights this user does not have.`);
    if (hasCode(error, "EADDRNOTAVAIL") || hasCode(error, "ENOTFOUND")) {
      throw new Refusal(`${host} is not an address of this machine. Choose another one with --host.`);
    }
    throw error;
  }
}

function listenBriefly(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}

/** The URL under which a listener on `host` is reached from this machine. */
export function localUrl(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The address people are told: passkeys need a name, and browsers take `localhost` for a safe one. */
export function publicUrl(host: string, port: number): string {
  return host === "127.0.0.1" ? `http://localhost:${port}` : localUrl(host, port);
}
