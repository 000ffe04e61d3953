import { MalformedFile } from "./byte-source.ts";

import { PickleCall, PickleDict, PickleGlobal, PicklePersistent, type PickleValue } from "./pickle-values.ts";

const MARK = Symbol("mark");
type Slot = PickleValue | typeof MARK;

const MAX_OPCODES = 5_000_000;
const MAX_MEMO = 1_000_000;
const MAX_INT_BYTES = 64;

const utf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
const latin1 = new TextDecoder("latin1");

/** Steps through one pickle. */
class Machine {
  readonly globals = new Set<string>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, PickleValue>();
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    [this.#bytes, this.at] = [bytes, at];
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickleValue {
    for (let i = 0; i < MAX_OPCODES; i++) {
      const opcode = this.#take(1)[0]!;
      if (opcode === 0x2e) return this.#pop();
      const step = OPCODES[opcode];
      if (!step) throw new MalformedFile(`its pickle has the unknown opcode 0x${opcode.toString(16)}`);
      step(this);
    }
    throw new MalformedFile(`its pickle has more than ${MAX_OPCODES} opcodes`);
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.at) throw new MalformedFile("its pickle ends too early");
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    this.#take(length);
  }

  uint8(): number {
    return this.#take(1)[0]!;
  }

  uint16(): number {
    this.#take(2);
    return this.#view.getUint16(this.at - 2, true);
  }

  int32(): number {
    this.#take(4);
    return this.#view.getInt32(this.at - 4, true);
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  uint64(): number {
    this.#take(8);
    const value = this.#view.getBigUint64(this.at - 8, true);
    return value > 0xffff_ffffn ? this.#bytes.length + 1 : Number(value);
  }

  float64(): number {
    this.#take(8);
    return this.#view.getFloat64(this.at - 8, false);
  }

  /** Copied, so that a small text does not hold a large file. */
  bytes(length: number): Uint8Array {
    return this.#take(length).slice();
  }

  text(length: number): string {
    return utf8.decode(this.#take(length));
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new MalformedFile("its pickle ends in a line");
    const line = latin1.decode(this.#take(end - this.at));
    this.at++;
    return line;
  }

  /** A whole number in two's complement, little-endian. */
  long(length: number): bigint | number {
    if (length > MAX_INT_BYTES) throw new MalformedFile("a number in its pickle is out of all proportion");
    let value = 0n;
    const bytes = this.#take(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return whole(BigInt.asIntN(length * 8, value));
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  #pop(): PickleValue {
    const top = this.#stack.pop();
    if (top === undefined || top === MARK) throw new MalformedFile("its pickle takes what is not there");
    return top;
  }

  pop(): PickleValue {
    return this.#pop();
  }

  /** What lies on top, or the mark that does, is dropped. */
  drop(): void {
    if (this.#stack.pop() === undefined) throw new MalformedFile("its pickle takes what is not there");
  }

  top(): PickleValue {
    const top = this.#stack.at(-1);
    if (top === undefined || top === MARK) throw new MalformedFile("its pickle takes what is not there");
    return top;
  }

  toMark(): PickleValue[] {
    const from = this.#stack.lastIndexOf(MARK);
    if (from < 0) throw new MalformedFile("its pickle takes what is not there");
    return this.#stack.splice(from).slice(1) as PickleValue[];
  }

  put(key: number): void {
    if (this.#memo.size >= MAX_MEMO) throw new MalformedFile("its pickle remembers too much");
    this.#memo.set(key, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(key: number): void {
    if (!this.#memo.has(key)) throw new MalformedFile("its pickle takes what is not there");
    this.push(this.#memo.get(key)!);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== "string" || typeof name !== "string")
      throw new MalformedFile("its pickle imports what has no name");
    const global = new PickleGlobal(module, name);
    this.globals.add(global.name);
    this.push(global);
  }

  call(callee: PickleValue, args: PickleValue): void {
    this.push(new PickleCall(callee, args));
  }

  append(items: PickleValue[]): void {
    const target = this.top();
    if (Array.isArray(target)) for (const item of items) target.push(item);
    else if (target instanceof PickleCall) for (const item of items) target.state.push(item);
    else throw new MalformedFile("its pickle appends to what is no list");
  }

  set(pairs: PickleValue[]): void {
    const target = this.top();
    const dict = target instanceof PickleCall ? target.items : target;
    if (!(dict instanceof PickleDict) || pairs.length % 2 > 0)
      throw new MalformedFile("its pickle sets keys of what is no dictionary");
    for (let i = 0; i < pairs.length; i += 2) dict.entries.push([pairs[i]!, pairs[i + 1]!]);
  }

  build(state: PickleValue): void {
    const target = this.top();
    if (target instanceof PickleCall) target.state.push(state);
  }
}

const whole = (value: bigint): bigint | number =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;

function decimal(line: string): PickleValue {
  if (line === "00") return false;
  if (line === "01") return true;
  const digits = line.replace(/L$/, "");
  if (!/^-?\d{1,150}$/.test(digits)) throw new MalformedFile("a number in its pickle is none");
  return whole(BigInt(digits));
}

function dictOf(pairs: PickleValue[]): PickleDict {
  const dict = new PickleDict();
  for (let i = 0; i + 1 < pairs.length; i += 2) dict.entries.push([pairs[i]!, pairs[i + 1]!]);
  return dict;
}

type Step = (machine: Machine) => void;
const last =
  (count: number): Step =>
  (m) => {
    const items = Array.from({ length: count }, () => m.pop()).reverse();
    m.push(items);
  };
const swap =
  (use: (m: Machine, first: PickleValue, second: PickleValue) => void): Step =>
  (m) => {
    const second = m.pop();
    use(m, m.pop(), second);
  };

/** By their bytes. Opcodes of extension registries and out-of-band buffers are refused: no model file has them. */
const OPCODES: Record<number, Step> = {
  0x80: (m) => m.skip(1), // PROTO
  0x95: (m) => m.skip(8), // FRAME
  0x28: (m) => m.mark(),
  0x30: (m) => m.drop(), // POP
  0x31: (m) => void m.toMark(), // POP_MARK
  0x32: (m) => m.push(m.top()), // DUP
  0x68: (m) => m.get(m.uint8()), // BINGET
  0x6a: (m) => m.get(m.uint32()), // LONG_BINGET
  0x67: (m) => m.get(Number(m.line())), // GET
  0x71: (m) => m.put(m.uint8()), // BINPUT
  0x72: (m) => m.put(m.uint32()), // LONG_BINPUT
  0x70: (m) => m.put(Number(m.line())), // PUT
  0x94: (m) => m.memoize(),
  0x4e: (m) => m.push(null),
  0x88: (m) => m.push(true),
  0x89: (m) => m.push(false),
  0x49: (m) => m.push(decimal(m.line())), // INT
  0x4a: (m) => m.push(m.int32()), // BININT
  0x4b: (m) => m.push(m.uint8()), // BININT1
  0x4d: (m) => m.push(m.uint16()), // BININT2
  0x4c: (m) => m.push(decimal(m.line())), // LONG
  0x8a: (m) => m.push(m.long(m.uint8())), // LONG1
  0x8b: (m) => m.push(m.long(m.uint32())), // LONG4
  0x46: (m) => m.push(Number(m.line())), // FLOAT
  0x47: (m) => m.push(m.float64()), // BINFLOAT
  0x53: (m) => m.push(m.line().replace(/^(['"])(.*)\1$/, "$2")), // STRING
  0x54: (m) => m.push(m.text(m.uint32())), // BINSTRING
  0x55: (m) => m.push(m.text(m.uint8())), // SHORT_BINSTRING
  0x56: (m) => m.push(m.line()), // UNICODE
  0x58: (m) => m.push(m.text(m.uint32())), // BINUNICODE
  0x8c: (m) => m.push(m.text(m.uint8())), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.text(m.uint64())), // BINUNICODE8
  0x42: (m) => m.push(m.bytes(m.uint32())), // BINBYTES
  0x43: (m) => m.push(m.bytes(m.uint8())), // SHORT_BINBYTES
  0x8e: (m) => m.push(m.bytes(m.uint64())), // BINBYTES8
  0x96: (m) => m.push(m.bytes(m.uint64())), // BYTEARRAY8
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x6c: (m) => m.push(m.toMark()), // LIST
  0x61: (m) => m.append([m.pop()]), // APPEND
  0x65: (m) => m.append(m.toMark()), // APPENDS
  0x29: (m) => m.push([]), // EMPTY_TUPLE
  0x74: (m) => m.push(m.toMark()), // TUPLE
  0x85: last(1),
  0x86: last(2),
  0x87: last(3),
  0x7d: (m) => m.push(new PickleDict()), // EMPTY_DICT
  0x64: (m) => m.push(dictOf(m.toMark())), // DICT
  0x73: swap((m, key, value) => m.set([key, value])), // SETITEM
  0x75: (m) => m.set(m.toMark()), // SETITEMS
  0x8f: (m) => m.push([]), // EMPTY_SET
  0x90: (m) => m.append(m.toMark()), // ADDITEMS
  0x91: (m) => m.push(m.toMark()), // FROZENSET
  0x63: (m) => m.global(m.line(), m.line()), // GLOBAL
  0x93: swap((m, module, name) => m.global(module, name)), // STACK_GLOBAL
  0x52: swap((m, callee, args) => m.call(callee, args)), // REDUCE
  0x81: swap((m, callee, args) => m.call(callee, args)), // NEWOBJ
  0x92: (m) => {
    const [named, args] = [m.pop(), m.pop()]; // NEWOBJ_EX
    m.call(m.pop(), [args, named]);
  },
  0x69: (m) => {
    m.global(m.line(), m.line()); // INST
    const callee = m.pop();
    m.call(callee, m.toMark());
  },
  0x6f: (m) => {
    const [callee = null, ...args] = m.toMark(); // OBJ
    m.call(callee, args);
  },
  0x62: (m) => m.build(m.pop()), // BUILD
  0x50: (m) => m.push(new PicklePersistent(m.line())), // PERSID
  0x51: (m) => m.push(new PicklePersistent(m.pop())), // BINPERSID
};

/** Whether a file that begins so is a pickle of protocol 2 or later. */
export const looksLikePickle = (head: Uint8Array): boolean =>
  head.length > 2 && head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5;

export interface Pickle {
  value: PickleValue;
  /** All names it would import, sorted. */
  globals: string[];
  /** Where the next one begins. */
  end: number;
}

/** Reads one pickle of a file, from `at`. Costs as much memory as the file at most, some times over. */
export function readPickle(bytes: Uint8Array, at = 0): Pickle {
  const machine = new Machine(bytes, at);
  const value = machine.run();
  return { value, globals: [...machine.globals].sort(), end: machine.at };
}
