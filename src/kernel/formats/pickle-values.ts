/**
 * What a pickle would build, as data. Nothing in it is imported or called: a global stays its name, and a call stays what
 * it calls and with what. The opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleDict
  | PickleGlobal
  | PickleCall
  | PicklePersistent;

/** A dictionary in its order; `entries` of one key may come twice, the last of which counts. */
export class PickleDict {
  readonly entries: [PickleValue, PickleValue][] = [];

  get(key: PickleValue): PickleValue | undefined {
    return this.entries.findLast(([name]) => name === key)?.[1];
  }
}

/** A name a pickle would import. */
export class PickleGlobal {
  readonly name: string;

  constructor(module: string, name: string) {
    this.name = `${module}.${name}`;
  }
}

/** A call it would make, and the state it would give to what comes of it. */
export class PickleCall {
  readonly callee: PickleValue;
  readonly args: PickleValue;
  /** What was put into the object afterwards: its state, its items, its keys. */
  readonly state: PickleValue[] = [];
  readonly items = new PickleDict();

  constructor(callee: PickleValue, args: PickleValue) {
    [this.callee, this.args] = [callee, args];
  }
}

/** Something that lies outside of the pickle, by its id. */
export class PicklePersistent {
  readonly id: PickleValue;

  constructor(id: PickleValue) {
    this.id = id;
  }
}
