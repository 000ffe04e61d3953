/** What a language model is asked to write. */
export interface Wanted {
  system: string;
  prompt: string;
  maxTokens: number;
}

export interface Written {
  text: string;
  /** The model that wrote it, as it calls itself. */
  model: string;
  /** `null` when the model does not say. */
  tokens: number | null;
}

/** A language model that writes for people. */
export interface Assistant {
  /**
   * Asks once and waits; `signal` gives up. Throws AppError: `unavailable` when it cannot be reached or takes too long,
   * `upstream` when it refuses or says what cannot be understood.
   */
  write(wanted: Wanted, signal?: AbortSignal): Promise<Written>;
}
