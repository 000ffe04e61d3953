import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line to a port of this machine that can be cut: what is open breaks, and nothing gets through until it is mended. */
export class CutLine {
  readonly #open = new Set<Socket>();
  readonly #server;
  #isCut = false;

  private constructor(target: number) {
    this.#server = createServer((near) => {
      if (this.#isCut) return void near.destroy();
      const far = connect(target, "127.0.0.1");
      near.pipe(far).pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#open.add(socket);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          this.#open.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async to(url: string): Promise<CutLine> {
    const line = new CutLine(Number(new URL(url).port));
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }
}
