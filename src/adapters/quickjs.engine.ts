import createModule from "@jitl/quickjs-wasmfile-release-sync/emscripten-module";
import wasmModule from "../../node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm";

// JavaScript Promise Integration; the types of the platform do not know it yet.
const { Suspending, promising } = WebAssembly as unknown as {
  Suspending: new (call: (...args: number[]) => unknown) => Function;
  promising: (call: Function) => (...args: number[]) => Promise<number>;
};

const PAGE_BYTES = 65_536;
const INITIAL_BYTES = 16 * 1024 * 1024;

/** QuickJS's own interpreter in a memory of its own, by its C functions. Pointers are numbers; 0 is none. */
export interface Engine {
  call(name: string, ...args: (number | boolean)[]): number;
  /** Like `call`, but what runs inside may give the thread away in between; never two at once. */
  callSliced(name: string, ...args: number[]): Promise<number>;
  /** A C string in the engine's memory; the caller frees it. */
  allocText(text: string): { pointer: number; bytes: number };
  /** A list of pointers in the engine's memory; the caller frees it. */
  allocPointers(pointers: number[]): number;
  readPointer(at: number): number;
  /** The words of the engine's memory from `at` on; good until it grows. */
  words(at: number, count: number): Int32Array;
}

export interface EngineHost {
  maxMemoryBytes: number;
  /** Asked every few thousand steps: 0 to go on, 1 to stop, a promise of either to rest meanwhile. */
  poll(): number | Promise<number>;
  /** The one function code can call. */
  receive(text: string): void;
}

const isFunction = (value: unknown): value is (...args: number[]) => unknown => typeof value === "function";

/**
 * The import that asks whether to go on is the only one that may give the thread away: between it and `callSliced` is
 * nothing but WebAssembly. It is known by its source, since the build names it by a letter; the smoke test would notice.
 */
function makeSuspending(imports: WebAssembly.Imports, poll: EngineHost["poll"]): void {
  for (const group of Object.values(imports)) {
    for (const [name, value] of Object.entries(group)) {
      if (!isFunction(value) || !value.toString().includes("shouldInterrupt")) continue;
      (group as Record<string, unknown>)[name] = new Suspending(poll);
      return;
    }
  }
  throw new Error("QuickJS no longer imports its interrupt handler");
}

interface RawModule {
  [name: string]: unknown;
  callbacks: unknown;
  UTF8ToString(pointer: number): string;
  stringToUTF8(text: string, pointer: number, max: number): void;
  lengthBytesUTF8(text: string): number;
}

/** A fresh interpreter: about 2 ms, since the code is compiled already. */
export async function createEngine(host: EngineHost): Promise<Engine> {
  const memory = new WebAssembly.Memory({
    initial: INITIAL_BYTES / PAGE_BYTES,
    maximum: host.maxMemoryBytes / PAGE_BYTES,
  });
  const module = (await createModule({
    wasmMemory: memory,
    // What the C library has to say about its own end is told by the trap that follows.
    printErr: () => undefined,
    instantiateWasm(imports, done) {
      makeSuspending(imports, host.poll);
      const instance = new WebAssembly.Instance(wasmModule, imports);
      done(instance);
      return instance.exports;
    },
  } as Parameters<typeof createModule>[0])) as unknown as RawModule;
  module.callbacks = callbacksOf(module, host);
  return engineOf(module, memory);
}

const callbacksOf = (module: RawModule, host: EngineHost) => {
  const c = (name: string) => module[`_${name}`] as (...args: number[]) => number;
  return {
    // Only ever given a text, so that no code of a cell runs in here.
    callFunction(_asyncify: unknown, context: number, _self: number, _count: number, args: number): number {
      const text = c("QTS_GetString")(context, c("QTS_ArgvGetJSValueConstPointer")(args, 0));
      host.receive(module.UTF8ToString(text));
      c("QTS_FreeCString")(context, text);
      return c("QTS_GetUndefined")();
    },
    freeHostRef: () => undefined,
  };
};

function engineOf(module: RawModule, memory: WebAssembly.Memory): Engine {
  const sliced = new Map<string, (...args: number[]) => Promise<number>>();
  const raw = (name: string) => module[`_${name}`] as (...args: (number | boolean)[]) => number;
  return {
    call: (name, ...args) => raw(name)(...args),
    callSliced(name, ...args) {
      let call = sliced.get(name);
      if (!call) sliced.set(name, (call = promising(raw(name))));
      return call(...args);
    },
    allocText(text) {
      const bytes = module.lengthBytesUTF8(text);
      const pointer = raw("malloc")(bytes + 1);
      if (pointer === 0) throw new RangeError("no memory left in the kernel");
      module.stringToUTF8(text, pointer, bytes + 1);
      return { pointer, bytes };
    },
    allocPointers(pointers) {
      const at = raw("malloc")(Math.max(1, pointers.length) * 4);
      if (at === 0) throw new RangeError("no memory left in the kernel");
      // Made anew each time: growing the memory detaches older views.
      new Int32Array(memory.buffer, at, pointers.length).set(pointers);
      return at;
    },
    readPointer: (at) => new Int32Array(memory.buffer, at, 1)[0]!,
    words: (at, count) => new Int32Array(memory.buffer, at, count),
  };
}
