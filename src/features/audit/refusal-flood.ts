interface Spell {
  since: number;
  told: number;
  leftOut: number;
}

interface Bounds {
  perSpell: number;
  spellMs: number;
  /** How many kinds of refusal are kept apart at once. */
  capacity: number;
}

/** Keeps whoever is refused again and again from drowning the trail: so many of a kind are told, the rest are counted. */
export class RefusalFlood {
  readonly #spells = new Map<string, Spell>();
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** How many alike were left out since the last that was told; `undefined` when this one is to be left out too. */
  take(kind: string, now: number): number | undefined {
    const spell = this.#spellOf(kind, now);
    if (spell.told >= this.#bounds.perSpell) {
      spell.leftOut++;
      return undefined;
    }
    const { leftOut } = spell;
    spell.told++;
    spell.leftOut = 0;
    return leftOut;
  }

  #spellOf(kind: string, now: number): Spell {
    const { spellMs, capacity } = this.#bounds;
    const known = this.#spells.get(kind);
    if (known && now - known.since < spellMs) return known;
    const spell = { since: now, told: 0, leftOut: known?.leftOut ?? 0 };
    // Behind all others, since the first in the map is the first to be forgotten.
    this.#spells.delete(kind);
    this.#spells.set(kind, spell);
    if (this.#spells.size > capacity) this.#spells.delete(this.#spells.keys().next().value!);
    return spell;
  }
}
