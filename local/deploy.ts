import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildAssets } from "./assets.ts";
import { wranglerProgram } from "./bundle.ts";
import { requirePostgresUrl } from "./database.ts";
import { ownSecrets } from "./own-secrets.ts";
import { projectDir } from "./paths.ts";
import { devopsOf } from "./provision-devops.ts";
import { provision } from "./provision.ts";
import { Refusal, explain } from "./refusal.ts";
import { pickWorkerEnv, requireWorkerEnv } from "./worker-env.ts";

/** `npm run deploy -- [wrangler's flags]`: brings the database up to date, then hands the Worker to Cloudflare. */
async function main(args: string[]): Promise<number> {
  const databaseUrl = process.env["DATABASE_URL"];
  if (!databaseUrl) {
    throw new Refusal(
      "Set DATABASE_URL to the Postgres of the deployment (with Neon: the pooled connection string), then deploy again.",
    );
  }
  requirePostgresUrl(databaseUrl);
  requireWorkerEnv(process.env);
  // The secrets of a deployment are kept apart from those of this machine.
  const dataDir = resolve(process.env["MYELIN_DATA_DIR"] || ".data-deploy");
  await provision({
    databaseUrl,
    dataDir,
    adminEmail: process.env["ADMIN_EMAIL"],
    devops: await devopsOf(process.env),
    agent: false,
  });
  console.log(`The database is up to date. Secrets of this deployment are in ${dataDir}`);
  buildAssets(join(projectDir, "dist", "assets"));
  const secrets = ownSecrets(process.env, dataDir);
  return await runDeploy(args, { ...pickWorkerEnv(process.env), DATABASE_URL: databaseUrl, ...secrets });
}

/** Settings travel as secrets, in a file that lives as long as the upload; other secrets of the Worker stay as they are. */
async function runDeploy(args: string[], secrets: Record<string, string>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "myelin-deploy-"));
  const file = join(folder, "secrets.json");
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  try {
    const wrangler = spawn(process.execPath, [wranglerProgram(), "deploy", "--secrets-file", file, ...args], {
      cwd: projectDir,
      stdio: "inherit",
    });
    const [code] = (await once(wrangler, "exit")) as [number | null];
    return code ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
