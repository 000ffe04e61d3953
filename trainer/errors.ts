/** The job or its data cannot be used: the program ends with exit code 2 and this message. */
export class InputError extends Error {
  override name = "InputError";
}

/** The loss left the finite numbers: the program ends with exit code 1 and this message. */
export class DivergenceError extends Error {
  override name = "DivergenceError";
}
