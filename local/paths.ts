import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds package.json, wherever the program was started from. */
export const projectDir = dirname(dirname(fileURLToPath(import.meta.url)));

/** What lives where inside a data folder. Everything a person may want to look at has a plain name. */
export function dataLayout(dataDir: string) {
  return {
    adminPassword: join(dataDir, "admin-password.txt"),
    agent: join(dataDir, "agent"),
    agentToken: join(dataDir, "agent-token.txt"),
    databasePassword: join(dataDir, "database-password.txt"),
    auditSecret: join(dataDir, "audit-secret.txt"),
    devVars: join(dataDir, "dev.env"),
    encryptionKey: join(dataDir, "encryption-key.txt"),
    jwtSecret: join(dataDir, "jwt-secret.txt"),
    lock: join(dataDir, "lock.db"),
    logs: join(dataDir, "logs"),
    postgres: join(dataDir, "postgres"),
    running: join(dataDir, "running.json"),
    superuserPassword: join(dataDir, "postgres-superuser.txt"),
    worker: join(dataDir, "worker"),
    // wrangler dev adds this level itself; with it, npm start and npm run dev share objects and state.
    workerState: join(dataDir, "worker", "v3"),
  };
}
