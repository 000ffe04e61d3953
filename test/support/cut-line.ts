import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line to a port of this machine that can be cut: nothing gets through then, and nobody is told. */
export class CutLine {
  readonly #open = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));
  readonly #target: number;
  #isCut = false;

  private constructor(target: number) {
    this.#target = target;
  }

  static async to(target: number): Promise<CutLine> {
    const line = new CutLine(target);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What is said from now on is lost, on connections that are there and on new ones. */
  cut(): void {
    this.#isCut = true;
  }

  /** Those who spoke into the void find their connections broken; new ones work. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#open) socket.destroy();
  }

  stop(): void {
    this.#server.close();
    this.mend();
  }

  #join(near: Socket): void {
    const far = connect(this.#target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(from);
      from.on("data", (chunk) => void (!this.#isCut && to.writable && to.write(chunk)));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#open.delete(from);
        to.destroy();
      });
    }
  }
}
