import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { number, type Row, table } from "./table.ts";

const RESULTS = join(import.meta.dirname, "results.md");
const HEAD = `# Benchmarks

Printed by \`npm run bench\`. Ratios are medians of pairs measured in turn within one run; absolute numbers say as much
about the machine as about Myelin.
`;

const workerdVersion = (): string =>
  (createRequire(import.meta.url)("workerd/package.json") as { version: string }).version;

/** Where and when it was measured. The load is the one before the measurement. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memory = number(totalmem() / 2 ** 30);
  const load = loadavg()[0]!;
  return [
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    `${cpus().length} × ${cpu?.model.trim() ?? "unknown"}, ${memory} GiB, ${type()} ${release()} ${arch()}`,
    `load before ${number(load, 2)}`,
    `Node ${process.version}, workerd ${workerdVersion()}`,
  ].join(" · ");
}

export const section = (title: string, machine: string, rows: Row[]): string =>
  `## ${title}\n\n${machine}\n\n${table(rows)}\n`;

/** Puts sections into results.md; those of parts that did not run this time stay. */
export function writeResults(sections: Map<string, string>, order: string[]): void {
  const known = new Map<string, string>();
  const text = existsSync(RESULTS) ? readFileSync(RESULTS, "utf8") : "";
  for (const part of text.split(/^(?=## )/m).slice(1))
    known.set(/^## (\S+)/.exec(part)![1]!, part.trimEnd() + "\n");
  for (const [name, part] of sections) known.set(name, part);
  writeFileSync(RESULTS, [HEAD, ...order.flatMap((name) => known.get(name) ?? [])].join("\n"));
}
