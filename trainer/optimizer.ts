import type { Config } from "./job.ts";

/** Changes the parameters by one step of the given rate against the gradient, in place. */
export type Optimizer = (parameters: Float32Array, gradient: Float32Array, rate: number) => void;

const MOMENTUM = 0.9;
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export function createOptimizer({ optimizer }: Pick<Config, "optimizer">, parameters: number): Optimizer {
  return optimizer === "adam" ? adam(parameters) : sgd(parameters);
}

/** Stochastic gradient descent with heavy-ball momentum 0.9 (Polyak 1964). */
function sgd(count: number): Optimizer {
  const velocity = new Float32Array(count);
  return (parameters, gradient, rate) => {
    for (let at = 0; at < count; at++) {
      velocity[at] = MOMENTUM * velocity[at]! + gradient[at]!;
      parameters[at] = parameters[at]! - rate * velocity[at]!;
    }
  };
}

/** Adam (Kingma and Ba 2015, algorithm 1) with its recommended constants. */
function adam(count: number): Optimizer {
  const mean = new Float32Array(count);
  const square = new Float32Array(count);
  let step = 0;
  return (parameters, gradient, rate) => {
    step++;
    const correction1 = 1 - BETA1 ** step;
    const correction2 = 1 - BETA2 ** step;
    for (let at = 0; at < count; at++) {
      const g = gradient[at]!;
      mean[at] = BETA1 * mean[at]! + (1 - BETA1) * g;
      square[at] = BETA2 * square[at]! + (1 - BETA2) * g * g;
      const scaled = mean[at]! / correction1 / (Math.sqrt(square[at]! / correction2) + EPSILON);
      parameters[at] = parameters[at]! - rate * scaled;
    }
  };
}
