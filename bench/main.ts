import { agent } from "./agent.ts";
import { auth } from "./auth.ts";
import { buildBench } from "./bundle.ts";
import { history } from "./history.ts";
import { ingest } from "./ingest.ts";
import { neighbours } from "./neighbours.ts";
import { predict } from "./predict.ts";
import { describeMachine, section, writeResults } from "./report.ts";
import { stream } from "./stream.ts";
import type { Row } from "./table.ts";
import { upload } from "./upload.ts";

const PARTS: Record<string, (workerDir: string) => Promise<Row[]>> = {
  predict,
  ingest,
  stream,
  history,
  upload,
  auth,
  agent,
  neighbours,
};
const all = Object.keys(PARTS);

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(", ")}. Choose from ${all.join(", ")}, or none for all.`);
  process.exit(2);
}

const bundle = await buildBench();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    bundle.remove();
    process.exit(1);
  });
}
try {
  for (const name of asked.length > 0 ? asked : all) {
    const machine = describeMachine();
    const text = section(name, machine, await PARTS[name]!(bundle.workerDir));
    console.log(`\n${text}`);
    // After each part, so that what was measured stays when a later part fails.
    writeResults(new Map([[name, text]]), all);
  }
} finally {
  bundle.remove();
}
