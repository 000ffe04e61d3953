import type { ExecutionEnd, Kernel, KernelEvent, Kernels, KernelWish } from "../../kernel/ports/kernels.ts";
import type { KernelStatus, RoomState } from "../../kernel/ports/notebook-rooms.ts";
import type { RoomStore } from "./room-store.ts";

// A kernel that will not stop by then is ended.
const GRACE_MS = 5_000;

export type KernelNews = (status: KernelStatus | "starting", reason?: string) => void;

/** A kernel, as what it is known, and whether it is new. */
export interface HeldKernel {
  kernel: Kernel;
  wish: KernelWish;
  started: boolean;
}

/** A room's hold on its kernel: starts it when needed, and says when what it held is lost. */
export class RoomKernel {
  readonly #kernels: Kernels;
  readonly #store: RoomStore;
  readonly #news: KernelNews;
  #running: { kernel: Kernel; ended: Promise<unknown> } | undefined;

  constructor(kernels: Kernels, store: RoomStore, news: KernelNews) {
    [this.#kernels, this.#store, this.#news] = [kernels, store, news];
  }

  async status(wish: KernelWish): Promise<Pick<RoomState, "kernel" | "implementation">> {
    const running = this.#running?.kernel;
    if (running) return { kernel: "busy", implementation: running.implementation };
    const found = await this.#kernels.find(wish);
    if (found) return { kernel: "idle", implementation: found.implementation };
    return { kernel: this.#store.has("kernel") ? "dead" : "none", implementation: null };
  }

  /** The notebook's kernel, or a new one. A text says why there is none. */
  async ready(wish: KernelWish): Promise<HeldKernel | string> {
    const kernel = await this.#kernels.find(wish);
    if (kernel) return { kernel, wish, started: false };
    if (this.#store.has("kernel"))
      this.#news(
        "dead",
        "The kernel is gone, and with it what earlier cells had defined; a new one is started.",
      );
    this.#news("starting");
    const next = await this.#nextOf(wish);
    const start = await this.#kernels.start(next, (place) => this.#store.addPlace(place));
    if (!start.ok) return start.reason;
    this.#store.set("kernel", true);
    return { kernel: start.kernel, wish: next, started: true };
  }

  /** One that cannot be found may only be out of reach: it is never to be taken for the new one. */
  async #nextOf(wish: KernelWish): Promise<KernelWish> {
    if (this.#store.has("kernel") || this.#store.places.length > 0) await this.#giveUp(wish);
    return { ...wish, life: this.#store.life };
  }

  async run(
    { kernel, wish }: HeldKernel,
    execution: Parameters<Kernel["execute"]>[0],
    emit: (event: KernelEvent) => void,
  ): Promise<ExecutionEnd> {
    const work = kernel.execute(execution, emit);
    this.#running = { kernel, ended: work.catch(() => undefined) };
    this.#news("busy");
    try {
      const end = await work;
      // Its agent may have been lost, and the kernel not.
      if (end.status === "dead" && this.#store.life === wish.life) await this.#giveUp(wish);
      this.#news(end.status === "dead" ? "dead" : "idle", end.status === "dead" ? end.reason : undefined);
      return end;
    } finally {
      this.#running = undefined;
    }
  }

  /** It is over for the notebook from now on, and for whoever may hold it as soon as they can be told. */
  async #giveUp(...wishes: KernelWish[]): Promise<void> {
    const { places } = this.#store;
    this.#store.set("kernel", false);
    this.#store.forgetPlaces();
    this.#store.nextLife();
    for (const wish of wishes) await this.#kernels.end(wish, places);
  }

  /** Interrupts the cell that runs and waits for its end; a kernel that does not listen is ended. */
  async interrupt(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    await running.kernel.interrupt();
    let impatience: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => (impatience = setTimeout(resolve, GRACE_MS, "late")));
    if ((await Promise.race([running.ended, late])) === "late") await running.kernel.shutdown();
    clearTimeout(impatience);
    await running.ended;
  }

  /** Ends the kernel with all it holds; `wishes` are all that it may be. */
  async end(...wishes: KernelWish[]): Promise<void> {
    await this.#giveUp(...wishes);
    await this.#running?.ended;
    this.#news("none");
  }
}
