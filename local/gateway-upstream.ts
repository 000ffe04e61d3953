import type { Duplex } from "node:stream";
import { Client } from "pg";
import type { ClientConfig } from "pg";

/** A Postgres session that has logged in and is handed on as plain bytes. */
export interface Upstream {
  stream: Duplex;
  settings: Map<string, string>;
  processId: number;
  secretKey: number;
}

/** The parts of pg's client that its types leave out. */
interface ClientParts {
  connection: NodeJS.EventEmitter & { stream: Duplex };
  processID: number;
  secretKey: number;
}

/** Logs in with pg, which knows SCRAM, MD5 and TLS, and then takes the connection away from it. */
export async function openUpstream(config: ClientConfig, startup: Map<string, string>): Promise<Upstream> {
  const name = startup.get("application_name") ?? startup.get("fallback_application_name");
  const client = new Client({ ...config, application_name: name, options: startup.get("options") });
  const parts = client as unknown as ClientParts;
  const settings = new Map<string, string>();
  parts.connection.on("parameterStatus", (message: { parameterName: string; parameterValue: string }) => {
    settings.set(message.parameterName, message.parameterValue);
  });
  await client.connect();
  const { stream } = parts.connection;
  for (const event of ["data", "error", "close"]) stream.removeAllListeners(event);
  stream.pause();
  return { stream, settings, processId: parts.processID, secretKey: parts.secretKey };
}
