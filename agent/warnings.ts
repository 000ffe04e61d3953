const PER_SPELL = 10;
const SPELL_MS = 1_000;

/** Lets ten warnings a second through and counts the others, so that a job cannot drown its own log in them. */
export class Warnings {
  readonly #tell: (text: string) => Promise<void>;
  #spell = 0;
  #told = 0;
  #leftOut = 0;

  constructor(tell: (text: string) => Promise<void>) {
    this.#tell = tell;
  }

  async warn(text: string, now: Date): Promise<void> {
    const spell = Math.floor(now.getTime() / SPELL_MS);
    if (spell !== this.#spell) {
      await this.end();
      [this.#spell, this.#told] = [spell, 0];
    }
    if (this.#told++ < PER_SPELL) await this.#tell(text);
    else this.#leftOut++;
  }

  /** Tells how many were left out. */
  async end(): Promise<void> {
    const count = this.#leftOut;
    this.#leftOut = 0;
    if (count > 0) await this.#tell(`${count} more warnings like these were left out`);
  }
}
