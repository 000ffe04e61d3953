import type { Config } from "./job.ts";

type Rates = Pick<Config, "learningRate" | "epochs" | "schedule">;

/**
 * The learning rate of an epoch, counted from 1. Warm-up rises in equal steps to the configured rate, which the epoch
 * after the last of them has in full; then `step` multiplies by gamma every so many epochs, and `cosine` falls along half
 * a cosine to its least rate in the last epoch (Loshchilov and Hutter 2017, without restarts).
 */
export function rateAt({ learningRate, epochs, schedule }: Rates, epoch: number): number {
  if (!schedule) return learningRate;
  const { type, warmupEpochs, stepEpochs, gamma, minRate } = schedule;
  if (epoch <= warmupEpochs) return (learningRate * epoch) / (warmupEpochs + 1);
  const after = epoch - warmupEpochs - 1;
  if (type === "step") return learningRate * gamma ** Math.floor(after / stepEpochs);
  const last = epochs - warmupEpochs - 1;
  if (type === "constant" || last <= 0) return learningRate;
  return minRate + ((learningRate - minRate) * (1 + Math.cos((Math.PI * after) / last))) / 2;
}
