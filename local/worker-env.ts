import { MisconfiguredError, readConfig, Variables } from "../src/config.ts";
import { Refusal } from "./refusal.ts";

/**
 * Which environment variables the Worker gets to see: those it reads, and every name with one of these prefixes. All other
 * variables of the host (cloud keys, npm's own settings) stay outside.
 */
export const WORKER_ENV = {
  names: Object.keys(Variables.shape),
  prefixes: ["MYELIN_", "OLLAMA_", "POOL_", "RESEND_", "S3_", "UPSTASH_", "VAULT_"],
};

/** Settings of the local programs themselves, which the Worker has no use for. */
const LOCAL_ONLY = new Set([
  "DATABASE_URL",
  "MYELIN_AGENT_DIR",
  "MYELIN_DATA_DIR",
  "MYELIN_HOST",
  "MYELIN_IC_TOKEN",
  "MYELIN_NO_AGENT",
  "MYELIN_PORT",
  "MYELIN_SUPERVISOR_PID",
  "MYELIN_URL",
  "MYELIN_WORKER_DIR",
  "NEON_PROXY",
]);

/** The variables of `env` that are set and meant for the Worker. */
export function pickWorkerEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const meant =
      WORKER_ENV.names.includes(name) || WORKER_ENV.prefixes.some((prefix) => name.startsWith(prefix));
    if (meant && !LOCAL_ONLY.has(name) && value !== undefined && value !== "") picked[name] = value;
  }
  return picked;
}

/** What the platform sees to by itself, and says in its own words when it cannot. */
const SETTLED_LATER = { DATABASE_URL: "postgres://later", JWT_SECRET: "later".repeat(8) };

/** Refuses settings that the Worker would refuse, before anything is started for it. */
export function requireWorkerEnv(env: NodeJS.ProcessEnv): void {
  try {
    readConfig({ ...pickWorkerEnv(env), ...SETTLED_LATER });
  } catch (error) {
    if (error instanceof MisconfiguredError) throw new Refusal(`${error.message}.`);
    throw error;
  }
}
