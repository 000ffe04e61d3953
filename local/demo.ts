import { join } from "node:path";
import { DemoApi } from "./demo-api.ts";
import { type DemoResult, runDemoJob } from "./demo-job.ts";
import { createTeller, renderResult } from "./demo-report.ts";
import { requireNode } from "./node-version.ts";
import { HELP, readOptions } from "./options.ts";
import type { StartOptions } from "./options.ts";
import { explain, Refusal } from "./refusal.ts";
import type { Running } from "./start-platform.ts";
import { supervise } from "./supervisor.ts";

/** `npm run demo`: brings everything up, goes from data to predictions, then keeps serving unless `--exit`. */
async function main(): Promise<number> {
  requireNode();
  const args = process.argv.slice(2);
  const exits = args.includes("--exit");
  const options = readOptions(
    args.filter((arg) => arg !== "--exit"),
    process.env,
  );
  if (!options) {
    console.log(`${HELP}\n\n  --exit               Stop after the table`);
    return 0;
  }
  if (!options.agent)
    throw new Refusal(
      "The demo trains a model, and that needs the agent: leave out --no-agent and MYELIN_NO_AGENT.",
    );
  const started = performance.now();
  console.log("Bringing up Postgres, the Worker and an agent …");
  let failed = false;
  const code = await supervise<StartOptions, Running>({
    program: join(import.meta.dirname, "start-platform.ts"),
    options,
    onReady: ({ url }, stop) => {
      console.log(
        `  ${((performance.now() - started) / 1000).toFixed(2).padStart(6)} s  Platform up at ${url}`,
      );
      void present(url, exits).then((succeeded) => {
        failed = !succeeded;
        if (exits || failed) stop();
      });
    },
  });
  return failed ? 1 : code;
}

async function present(url: string, exits: boolean): Promise<boolean> {
  const api = new DemoApi(url);
  try {
    const result = await runDemoJob(
      api,
      createTeller((text) => process.stdout.write(text), process.stdout.isTTY),
    );
    console.log(`\n${renderResult(result)}\n`);
    if (!exits) console.log(invitation(api, result));
    return true;
  } catch (error) {
    console.error(`\nThe demo failed: ${explain(error)}`);
    return false;
  }
}

const invitation = ({ url, token }: DemoApi, { endpoint }: DemoResult): string =>
  `Myelin runs at ${url} — the API is described at ${url}/docs. Try it (the token lasts 15 minutes):

curl ${url}/api/inference/predict/${endpoint} \\
  -H "content-type: application/json" \\
  -H "authorization: Bearer ${token}" \\
  -d '{"inputs": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]}'

Stop it with Ctrl-C.`;

try {
  process.exitCode = await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
