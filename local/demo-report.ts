import type { DemoResult, Teller } from "./demo-job.ts";

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`.padStart(8);

/** Prints a line per step; on a terminal the line under way shows what is happening. */
export function createTeller(write: (text: string) => void, isTerminal: boolean): Teller {
  return {
    async step(what, work) {
      const started = performance.now();
      const { result, note } = await work();
      write(
        `${isTerminal ? "\r\u001b[2K" : ""}  ${seconds(performance.now() - started)}  ${what}: ${note}\n`,
      );
      return result;
    },
    live(line) {
      if (isTerminal) write(`\r\u001b[2K            ${line}`);
    },
  };
}

/** The table at the end: what was predicted, what is true, and how good and fast it was. */
export function renderResult(result: DemoResult): string {
  const { features, predictions, testAccuracy, testRows, p50Ms, p95Ms, calls } = result;
  const header = [...features, "truth", "predicted", "probability", ""];
  const rows = predictions.map(({ inputs, truth, predicted, probability }) => [
    ...features.map((feature) => String(inputs[feature])),
    ...[truth, predicted, probability.toFixed(3), truth === predicted ? "" : "wrong"],
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join("  ")}`.trimEnd();
  return [
    line(header),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
    "",
    `  accuracy on the ${testRows} held-out rows  ${(testAccuracy * 100).toFixed(1)} %`,
    `  predict, ${calls} calls one by one      p50 ${p50Ms.toFixed(1)} ms   p95 ${p95Ms.toFixed(1)} ms`,
  ].join("\n");
}
