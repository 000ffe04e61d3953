import type { JsonObject } from "../../db/schema.ts";
import type { KernelEvent } from "../../kernel/ports/kernels.ts";
import { validBundle, validMetadata, wellFormed } from "./mime-bundle.ts";

/** Of a cell's outputs together, in characters of JSON. */
export const MAX_OUTPUT = 1_000_000;
// What says that something is missing must always fit.
const RESERVE = 300;

/** Of what was left out, so many are named. */
const MAX_NAMED = 3;

/** Of a stream's output, in characters of JSON, around its text. */
const ENVELOPE = JSON.stringify({ output_type: "stream", name: "stdout", text: "" }).length;
// Ways an execution can end, and a few more; a kernel that says more errors than that is broken.
const MAX_ERRORS_BEYOND = 3;

const left = (size: number): JsonObject => ({
  output_type: "stream",
  name: "stderr",
  text: `[an output of ${size} characters was left out: a cell's outputs may have ${MAX_OUTPUT} together]\n`,
});
const unfit = (types: string[]): string => {
  const more = types.length > MAX_NAMED ? ` and ${types.length - MAX_NAMED} more` : "";
  const named = types.slice(0, MAX_NAMED).map((type) => JSON.stringify(type));
  return `[left out of an output, since a notebook cannot hold it: ${named.join(", ")}${more}]\n`;
};
const cut = (): JsonObject => ({
  output_type: "stream",
  name: "stderr",
  text: `[output cut off here: a cell's outputs may have ${MAX_OUTPUT} characters together]\n`,
});

const errorOf = ({ name, value, traceback }: Extract<KernelEvent, { type: "error" }>): JsonObject => ({
  output_type: "error",
  ename: wellFormed(name),
  evalue: wellFormed(value),
  traceback: traceback.map(wellFormed),
});

/** Collects what a cell says as outputs that are valid to nbformat, up to a limit; what is beyond it is dropped and said to be. */
export class CellOutputs {
  readonly all: JsonObject[] = [];
  readonly #executionCount: number;
  #size = 0;
  #isCut = false;
  #errorsBeyond = 0;
  /** Said since the last `take`. */
  #fresh: JsonObject[] = [];

  constructor(executionCount: number) {
    this.#executionCount = executionCount;
  }

  add(event: KernelEvent): void {
    if (event.type === "stream") return this.#addText(event.name, wellFormed(event.text));
    if (event.type === "error") return this.#addOutput(event, errorOf(event));
    const { data, left } = validBundle(event.data);
    const output = this.#shown(event.type, data, validMetadata(event.metadata ?? {}));
    if (left.length === 0 || Object.keys(data).length > 0) this.#addOutput(event, output);
    if (left.length > 0) this.#addText("stderr", unfit(left));
  }

  #addOutput(event: KernelEvent, output: JsonObject): void {
    const size = JSON.stringify(output).length;
    // How it ended is told in any case; everything else only while there is room.
    if (event.type === "error") return this.#addError(shortened(output, size));
    if (this.#isCut) return;
    if (this.#size + size > MAX_OUTPUT - RESERVE) return this.#push(left(size));
    this.#push(output);
  }

  #addError(output: JsonObject): void {
    if (this.#isCut && ++this.#errorsBeyond > MAX_ERRORS_BEYOND) return;
    this.#push(output);
  }

  #shown(type: "display" | "result", data: JsonObject, metadata: JsonObject): JsonObject {
    if (type === "display") return { output_type: "display_data", data, metadata };
    return { output_type: "execute_result", execution_count: this.#executionCount, data, metadata };
  }

  /** Texts of one stream that follow one another are one output, both in the end and in what is new. */
  // Its size is as JSON, in which a control character is six.
  #addText(name: "stdout" | "stderr", given: string): void {
    if (this.#isCut || given === "") return;
    const room = MAX_OUTPUT - RESERVE - this.#size;
    // Alternating streams cost an output each time, which is more than what they say.
    const size = JSON.stringify(given).length + (this.#continues(name) ? 0 : ENVELOPE);
    const text =
      size > room ? given.slice(0, Math.floor((room / size) * given.length)).toWellFormed() : given;
    for (const list of [this.all, this.#fresh]) {
      const last = list.at(-1);
      if (last?.["output_type"] === "stream" && last["name"] === name)
        last["text"] = `${String(last["text"])}${text}`;
      else list.push({ output_type: "stream", name, text });
    }
    this.#size += Math.min(size, room);
    if (size <= room) return;
    this.#isCut = true;
    this.#push(cut());
  }

  #continues(name: string): boolean {
    const last = this.all.at(-1);
    return last?.["output_type"] === "stream" && last["name"] === name;
  }

  #push(output: JsonObject): void {
    this.#size += JSON.stringify(output).length;
    if (this.#size > MAX_OUTPUT - RESERVE) this.#isCut = true;
    this.all.push(output);
    this.#fresh.push({ ...output });
  }

  /** What is new since it was last asked for. */
  take(): JsonObject[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

const MAX_ERROR = 20_000;

function shortened(output: JsonObject, size: number): JsonObject {
  if (size <= MAX_ERROR) return output;
  const { ename, evalue, traceback } = output as { ename: string; evalue: string; traceback: string[] };
  const lines = traceback.slice(0, 20).map((line) => line.slice(0, 400).toWellFormed());
  const texts = { ename: ename.slice(0, 200).toWellFormed(), evalue: evalue.slice(0, 2000).toWellFormed() };
  return { output_type: "error", ...texts, traceback: [...lines, "[shortened]"] };
}
