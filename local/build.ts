import { buildAgent } from "./build-agent.ts";
import { buildWorker } from "./bundle.ts";
import { explain } from "./refusal.ts";

const started = performance.now();
try {
  const folder = await buildWorker();
  const agent = await buildAgent();
  console.log(`Worker ready in ${folder} (${Math.round(performance.now() - started)} ms), agent in ${agent}`);
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
