import { once } from "node:events";
import type { Duplex } from "node:stream";

/**
 * The few messages of the Postgres protocol that the gateway itself reads and writes while a session opens.
 * https://www.postgresql.org/docs/17/protocol-message-formats.html
 */

const PROTOCOL_3 = 196_608;
const MAX_OPENING_BYTES = 64 * 1024;

/** Reads the first message of a session: user, database and settings by name. */
export async function readStartup(client: Duplex): Promise<Map<string, string>> {
  const body = await readBody(client, "startup message");
  if (body.readInt32BE(0) !== PROTOCOL_3) throw new Error("The client does not speak protocol 3.0.");
  const words = body.toString("utf8", 4).split("\0");
  const settings = new Map<string, string>();
  for (let i = 0; i + 1 < words.length && words[i]; i += 2) settings.set(words[i]!, words[i + 1]!);
  return settings;
}

/** Reads the answer to `askPassword`. */
export async function readPassword(client: Duplex): Promise<string> {
  const type = String.fromCharCode((await take(client, 1))[0]!);
  if (type !== "p") throw new Error(`The client sent ${JSON.stringify(type)} instead of a password.`);
  const body = await readBody(client, "password");
  return body.toString("utf8", 0, body.length - 1);
}

async function readBody(client: Duplex, what: string): Promise<Buffer> {
  const length = (await take(client, 4)).readInt32BE(0) - 4;
  if (length < 1 || length > MAX_OPENING_BYTES) throw new Error(`The ${what} has an impossible length.`);
  return await take(client, length);
}

/** Takes exactly so many bytes and leaves the rest in the stream. */
async function take(stream: Duplex, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk = stream.read(bytes) as Buffer | null;
    if (chunk?.length === bytes) return chunk;
    if (chunk || stream.readableEnded || stream.destroyed)
      throw new Error("The client left while connecting.");
    await once(stream, "readable");
  }
}

export const askPassword = () => message("R", int32(3));

/** The server's part of a finished login: accepted, its settings, and ready for the first query. */
export function welcome(settings: Iterable<[string, string]>, processId: number, secretKey: number): Buffer {
  return Buffer.concat([
    message("R", int32(0)),
    ...[...settings].map(([name, value]) => message("S", Buffer.from(`${name}\0${value}\0`))),
    message("K", Buffer.concat([int32(processId), int32(secretKey)])),
    message("Z", Buffer.from("I")),
  ]);
}

/** A fatal error in Postgres's own form, so that the driver reports it like any other. */
export function fatal(code: string, text: string): Buffer {
  return message("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
