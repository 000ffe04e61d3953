import * as ort from "onnxruntime-web/wasm";
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";

// 128 MB is an isolate's whole memory on hosted Workers; the rest of it stays for JavaScript.
const MAX_HEAP_BYTES = 96 * 1024 * 1024;
const PAGE_BYTES = 65_536;

/** One Identity node: the first session has to be of something. */
const TINY_MODEL = Uint8Array.fromHex(
  "08083a390a100a017812017922084964656e746974791201675a100a0178120b0a09080112050a0312016e" +
    "62100a0179120b0a09080112050a0312016e42040a001011",
);

const PLACEHOLDER = new TextEncoder().encode(
  "onnxruntime-web: the compiled module stands in for these bytes",
);

const isPlaceholder = (source: unknown): boolean =>
  ArrayBuffer.isView(source) &&
  source.byteLength === PLACEHOLDER.length &&
  PLACEHOLDER.every(
    (byte, i) => new Uint8Array(source.buffer, source.byteOffset, source.byteLength)[i] === byte,
  );

let heap: WebAssembly.Memory | undefined;

/** Growth beyond the cap fails, which ONNX Runtime reports as `std::bad_alloc` instead of taking the isolate down. */
function capHeap(imports: WebAssembly.Imports): void {
  for (const group of Object.values(imports)) {
    for (const value of Object.values(group)) if (value instanceof WebAssembly.Memory) heap = value;
  }
  if (!heap) throw new Error("onnxruntime-web no longer imports its memory");
  const { buffer } = heap;
  const grow = heap.grow.bind(heap);
  let pages = buffer.byteLength / PAGE_BYTES;
  heap.grow = (delta) => {
    if ((pages + delta) * PAGE_BYTES > MAX_HEAP_BYTES) throw new RangeError("the model heap is at its cap");
    const before = grow(delta);
    pages = before + delta;
    return before;
  };
}

/** workerd compiles no bytes: while the engine starts, its request to do so gets the module compiled at build time. */
async function start(): Promise<void> {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = PLACEHOLDER;
  ort.env.logLevel = "error";
  const original = WebAssembly.instantiate;
  const stand = (source: unknown, imports: WebAssembly.Imports) => {
    if (!isPlaceholder(source)) return (original as Function).call(WebAssembly, source, imports);
    capHeap(imports);
    return Promise.resolve({ module: wasmModule, instance: new WebAssembly.Instance(wasmModule, imports) });
  };
  WebAssembly.instantiate = stand as typeof original;
  try {
    const session = await ort.InferenceSession.create(TINY_MODEL);
    await session.release();
  } finally {
    WebAssembly.instantiate = original;
  }
}

let started = false;

/** Starts ONNX Runtime once per isolate (about 225 ms); call it inside a turn. */
export async function startEngine(): Promise<void> {
  if (started) return;
  await start();
  started = true;
}
