import { buildWorker } from "./bundle.ts";
import { explain } from "./refusal.ts";

const started = performance.now();
try {
  const folder = await buildWorker();
  console.log(`Worker ready in ${folder} (${Math.round(performance.now() - started)} ms)`);
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
