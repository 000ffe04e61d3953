import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line to a port of this machine that takes its time. */
export interface SlowLine {
  port: number;
  /** How long whatever is sent over it is held back. */
  delayMs: number;
  /** How often something was sent over it. */
  sent: number;
  stop(): Promise<void>;
}

export async function startSlowLine(target: number, host = "127.0.0.1"): Promise<SlowLine> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    near.on("data", (chunk) => {
      line.sent++;
      setTimeout(() => far.writable && far.write(chunk), line.delayMs);
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
        setTimeout(() => other.destroy(), line.delayMs);
      });
    }
  }).listen(0, host);
  await once(server, "listening");
  const line: SlowLine = {
    ...{ port: (server.address() as AddressInfo).port, delayMs: 0, sent: 0 },
    async stop() {
      server.close();
      open.forEach((socket) => socket.destroy());
      await once(server, "close");
    },
  };
  return line;
}
