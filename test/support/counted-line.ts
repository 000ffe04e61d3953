import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line to a port of this machine that counts. */
export interface CountedLine {
  port: number;
  /** How often something was sent over it. */
  sent: number;
  stop(): Promise<void>;
}

export async function startCountedLine(target: number, host = "127.0.0.1"): Promise<CountedLine> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    near.on("data", (chunk) => {
      line.sent++;
      if (far.writable) far.write(chunk);
    });
    far.pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, host);
  await once(server, "listening");
  const line: CountedLine = {
    ...{ port: (server.address() as AddressInfo).port, sent: 0 },
    async stop() {
      server.close();
      open.forEach((socket) => socket.destroy());
      await once(server, "close");
    },
  };
  return line;
}
