const PROBE_EVERY = 32;
const PATIENCE = 4;

/**
 * Whether waiting one turn for company is worth it. In workerd even a timer of zero milliseconds costs a lone caller over
 * one, while callers that come together gain far more by sharing the work. So it waits only where there is company:
 * now and then a call waits to find out, and waiting ends when several in a row stayed alone.
 */
export class BatchWindow {
  #hasCompany = false;
  #sinceProbe = 0;
  #alone = 0;

  /** Asked once per batch, before it is formed. */
  waits(): boolean {
    if (this.#hasCompany) return true;
    this.#sinceProbe = (this.#sinceProbe + 1) % PROBE_EVERY;
    return this.#sinceProbe === 0;
  }

  /** Told how many calls a batch that waited brought together. */
  gathered(count: number): void {
    this.#alone = count > 1 ? 0 : this.#alone + 1;
    this.#hasCompany = count > 1 || (this.#hasCompany && this.#alone < PATIENCE);
  }
}
