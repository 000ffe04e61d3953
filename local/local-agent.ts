import { existsSync } from "node:fs";
import { join } from "node:path";
import { startAgent } from "./agent-process.ts";
import type { DataLock } from "./data-lock.ts";
import type { LocalOptions } from "./foundation.ts";
import { openLog } from "./log-file.ts";
import { dataLayout, projectDir } from "./paths.ts";
import { readSecret } from "./secrets-file.ts";
import type { Teardown } from "./teardown.ts";

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host.startsWith("127.");

/** Runs the agent of this machine against the Worker at `url`. */
export function openAgent(
  { dataDir, host, env, log }: LocalOptions,
  url: string,
  lock: DataLock,
  teardown: Teardown,
): void {
  const layout = dataLayout(dataDir);
  const program = join(projectDir, "agent", "main.ts");
  if (!existsSync(program)) return log(`There is no agent at ${program}: training and notebooks are off.`);
  const file = openLog(join(layout.logs, "agent.log"));
  const agent = startAgent({
    program,
    log: file,
    env: {
      MYELIN_URL: url,
      MYELIN_IC_TOKEN: readSecret(layout.agentToken) ?? "",
      MYELIN_AGENT_DIR: layout.agent,
      // Whoever may open an account here may submit commands: by default that is only who sits at this machine.
      MYELIN_AGENT_ALLOW_COMMAND: env["MYELIN_AGENT_ALLOW_COMMAND"] ?? (isLoopback(host) ? "1" : "0"),
    },
    onStart: (pid) => lock.note(pid),
  });
  teardown.add(() => file.close());
  teardown.add(() => agent.stop());
}
