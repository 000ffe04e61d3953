/** Keeps the program alive when the reader of its output is gone (a closed terminal, `| head`): it serves others too. */
export function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
