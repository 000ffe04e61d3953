import { createEngine, type Engine } from "./quickjs.engine.ts";
import prelude from "./quickjs.prelude.txt";

// Hosted isolates have 128 MB for everything.
const MAX_MEMORY_BYTES = 32 * 1024 * 1024;
// The rest is the interpreter itself, so that its own allocations are refused before the memory cannot grow.
const MAX_HEAP_BYTES = 26 * 1024 * 1024;
// More overflows the engine's own stack before its limit is noticed (measured: 512 KiB does).
const MAX_STACK_BYTES = 256 * 1024;
// JS_EVAL_FLAG_ASYNC of quickjs.h: `await` at the top, and a promise of `{value}` as the result.
const EVAL_ASYNC = 1 << 7;
const JOBS_AT_ONCE = 1_000;
// JS_INTERRUPT_COUNTER_INIT of quickjs.c: calls and jumps between two polls. With a step that is long, such as the
// filling of a list, that is too rare, so the counter is set lower whenever it has been set.
const STEPS_PER_POLL = 10_000;
const STEPS_WANTED = 100;
const CONTEXT_WORDS = 128;

type HookName = "settle" | "failed" | "tick";

interface Host {
  /** Asked after about so many steps whether to go on; see `EngineHost`. */
  poll(steps: number): number | Promise<number>;
  receive(text: string): void;
}

/** One QuickJS context with the prelude in it. Whatever traps leaves it unusable. */
export class Interpreter {
  readonly #engine: Engine;
  readonly #runtime: number;
  readonly #context: number;
  readonly #undefined: number;
  #hooks: Record<HookName, number> = { settle: 0, failed: 0, tick: 0 };

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.#runtime = engine.call("QTS_NewRuntime");
    engine.call("QTS_RuntimeSetMemoryLimit", this.#runtime, MAX_HEAP_BYTES);
    engine.call("QTS_RuntimeSetMaxStackSize", this.#runtime, MAX_STACK_BYTES);
    this.#context = engine.call("QTS_NewContext", this.#runtime, 0);
    this.#undefined = engine.call("QTS_GetUndefined");
  }

  static async create(host: Host): Promise<Interpreter> {
    const quicken: { call: () => number } = { call: () => STEPS_PER_POLL };
    const poll = () => host.poll(quicken.call());
    const engine = await createEngine({ ...host, poll, maxMemoryBytes: MAX_MEMORY_BYTES });
    const interpreter = new Interpreter(engine);
    await interpreter.#loadPrelude();
    interpreter.#counter = await interpreter.#findCounter();
    quicken.call = () => interpreter.#quicken();
    engine.call("QTS_RuntimeEnableInterruptHandler", interpreter.#runtime);
    return interpreter;
  }

  #counter = 0;

  /** Where the context counts its steps down: the one word that a loop lowers by a step or two a turn, both times. */
  async #findCounter(): Promise<number> {
    const turns = 1000;
    const { words } = this.#engine;
    const seen = [words(this.#context, CONTEXT_WORDS).slice()];
    for (let i = 0; i < 2; i++) {
      await this.#eval(`for (let i = 0; i < ${turns}; i++);`, "(prelude)", 0);
      seen.push(words(this.#context, CONTEXT_WORDS).slice());
    }
    const [first, second, third] = seen as [Int32Array, Int32Array, Int32Array];
    const falls = (by: number) => by >= turns && by < turns * 2.1;
    const at = first.findIndex((word, i) => falls(word - second[i]!) && falls(second[i]! - third[i]!));
    if (at === -1) throw new Error("QuickJS no longer counts its steps where it did");
    return this.#context + at * 4;
  }

  /** Called within a poll: has the next one come sooner. Returns how many steps the last ones were worth. */
  #quicken(): number {
    const word = this.#engine.words(this.#counter, 1);
    // The engine of regular expressions polls by a counter of its own.
    if (word[0] !== STEPS_PER_POLL) return STEPS_PER_POLL;
    word[0] = STEPS_WANTED;
    return STEPS_WANTED;
  }

  async #loadPrelude(): Promise<void> {
    const { call, allocText } = this.#engine;
    const name = allocText("send").pointer;
    const send = call("QTS_NewFunction", this.#context, name, 1, false, 1);
    const [make, thrown] = await this.#eval(prelude, "(prelude)", 0);
    if (thrown) throw new Error("the prelude does not run");
    const hooks = await this.#call(make, [send]);
    for (const hook of Object.keys(this.#hooks) as HookName[]) {
      const key = allocText(hook).pointer;
      this.#hooks[hook] = call(
        "QTS_GetProp",
        this.#context,
        hooks,
        call("QTS_NewString", this.#context, key),
      );
    }
  }

  /** Begins a cell: what it says, and that it is over, is told to the host, maybe only in a later `turn`. */
  async begin(source: string, name: string): Promise<void> {
    this.#engine.words(this.#counter, 1)[0] = STEPS_WANTED;
    const [value, thrown] = await this.#eval(source, name, EVAL_ASYNC);
    await this.#call(thrown ? this.#hooks.failed : this.#hooks.settle, [value]);
  }

  /** Runs what promises have left to do; `false` when there was nothing. */
  async turn(): Promise<boolean> {
    const { call, callSliced, allocPointers, readPointer } = this.#engine;
    if (call("QTS_IsJobPending", this.#runtime) === 0) return false;
    const where = allocPointers([0]);
    const done = await callSliced("QTS_ExecutePendingJob", this.#runtime, JOBS_AT_ONCE, where);
    const context = readPointer(where);
    call("free", where);
    if (context === 0) return true;
    const thrown = call("QTS_ResolveException", context, done);
    if (thrown !== 0) await this.#call(this.#hooks.failed, [thrown]);
    call("QTS_FreeValuePointer", context, done);
    return true;
  }

  /** Calls the timers that are due; the host is told when the next is. */
  async tick(): Promise<void> {
    await this.#call(this.#hooks.tick, []);
  }

  async #eval(source: string, name: string, flags: number): Promise<[value: number, thrown: boolean]> {
    const { call, callSliced, allocText } = this.#engine;
    const code = allocText(source);
    const file = allocText(name);
    const value = await callSliced(
      "QTS_Eval",
      this.#context,
      code.pointer,
      code.bytes,
      file.pointer,
      0,
      flags,
    );
    call("free", code.pointer);
    call("free", file.pointer);
    const thrown = call("QTS_ResolveException", this.#context, value);
    return thrown === 0 ? [value, false] : [thrown, true];
  }

  async #call(hook: number, args: number[]): Promise<number> {
    const { call, callSliced, allocPointers } = this.#engine;
    const list = allocPointers(args);
    const value = await callSliced("QTS_Call", this.#context, hook, this.#undefined, args.length, list);
    call("free", list);
    const thrown = call("QTS_ResolveException", this.#context, value);
    if (thrown !== 0) throw new HookFailed();
    return value;
  }
}

/** The prelude itself was stopped or ran out of memory. */
export class HookFailed extends Error {}
