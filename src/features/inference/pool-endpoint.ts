import type { PoolLimits } from "../../kernel/ports/model-pools.ts";
import { Figures, type StoredFigures } from "./figures.ts";

/** A started endpoint inside its pool: its limits, its figures and the calls it has under way. */
export class PoolEndpoint {
  limits: PoolLimits;
  readonly figures: Figures;
  #inFlight = 0;
  #onDrained: (() => void)[] = [];

  constructor(limits: PoolLimits, startedAt: number, stored?: StoredFigures) {
    this.limits = limits;
    this.figures = new Figures(startedAt, stored);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes a place for a call, if one is free; every place taken has to be given back. */
  admit(): boolean {
    if (this.#inFlight >= this.limits.maxConcurrent) return false;
    this.#inFlight += 1;
    return true;
  }

  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    for (const drained of this.#onDrained.splice(0)) drained();
  }

  /** Settles when no call is under way any more. */
  drained(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }
}
