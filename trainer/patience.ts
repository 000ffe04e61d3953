import type { Network } from "./network.ts";
import type { EarlyStopping } from "./regime.ts";
import type { Epoch } from "./train.ts";

/** Watches the rows set aside for it, and remembers the network that did best by them. */
export class Patience {
  readonly #rule: EarlyStopping;
  readonly #network: Network;
  #best: { loss: number; epoch: Epoch; parameters: Float32Array } | undefined;
  #last: Epoch | undefined;

  constructor(rule: EarlyStopping, network: Network) {
    this.#rule = rule;
    this.#network = network;
  }

  /** Whether the training has gone on for too long without getting better. */
  isOver(epoch: Epoch): boolean {
    this.#last = epoch;
    const { loss } = epoch.validation!;
    if (!this.#best || loss < this.#best.loss - this.#rule.minDelta) {
      this.#best = { loss, epoch, parameters: this.#network.parameters.slice() };
      return false;
    }
    return epoch.epoch - this.#best.epoch.epoch >= this.#rule.patience;
  }

  /** Puts the best parameters back where that is wanted; gives the figures of what the network then is. */
  settle(): Epoch | undefined {
    if (!this.#rule.restoreBest || !this.#best) return this.#last;
    this.#network.parameters.set(this.#best.parameters);
    return this.#best.epoch;
  }
}
