import { createVault } from "./adapters/vault.ts";
import { MisconfiguredError, SECRET_NAMES, VaultVariables } from "./config.ts";
import type { Log } from "./kernel/log.ts";
import type { SecretsBackend } from "./kernel/ports/secrets-backend.ts";

const REFRESH_MS = 300_000;
const RETRY_MS = 15_000;

/** An environment with Vault's secrets over its own, and when to look again. */
interface Resolved<E> {
  env: E;
  secrets: string;
  askAgainAt: number;
}

function vaultOf(env: object): SecretsBackend | undefined {
  const parsed = VaultVariables.safeParse(env);
  if (!parsed.success) throw new MisconfiguredError("Configuration: VAULT_* is not valid");
  const { VAULT_ADDR, ...settings } = parsed.data;
  if (!VAULT_ADDR) return undefined;
  return createVault({
    address: VAULT_ADDR,
    mount: settings.VAULT_MOUNT,
    path: settings.VAULT_PATH,
    roleId: settings.VAULT_ROLE_ID,
    secretId: settings.VAULT_SECRET_ID,
    appRoleMount: settings.VAULT_APPROLE_MOUNT,
    token: settings.VAULT_TOKEN,
    namespace: settings.VAULT_NAMESPACE,
  });
}

/**
 * The environment with the secrets of Vault, where one is configured, in front of its own. The same object comes back
 * while nothing changed. Vault out of reach is a warning: what was read last holds, and before that the environment's.
 */
export class Secrets<E extends object> {
  readonly #vault: SecretsBackend | undefined;
  readonly #env: E;
  readonly #log: Log;
  #resolved: Resolved<E>;
  #asking: Promise<void> | undefined;

  constructor(env: E, log: Log, vault = vaultOf(env)) {
    [this.#env, this.#log, this.#vault] = [env, log, vault];
    this.#resolved = { env, secrets: "", askAgainAt: vault ? 0 : Infinity };
  }

  /** At once, not as a promise, while there is nothing to ask: every request passes here. */
  resolve(now = Date.now()): E | Promise<E> {
    if (now < this.#resolved.askAgainAt) return this.#resolved.env;
    this.#asking ??= this.#ask(now).finally(() => (this.#asking = undefined));
    return this.#asking.then(() => this.#resolved.env);
  }

  async #ask(now: number): Promise<void> {
    try {
      const all = await this.#vault!.read();
      const own = Object.fromEntries(
        SECRET_NAMES.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
      );
      const secrets = JSON.stringify(own);
      const env = secrets === this.#resolved.secrets ? this.#resolved.env : { ...this.#env, ...own };
      this.#resolved = { env, secrets, askAgainAt: now + REFRESH_MS };
    } catch (error) {
      this.#log("warn", "secrets.vault_failed", { error });
      this.#resolved = { ...this.#resolved, askAgainAt: now + RETRY_MS };
    }
  }
}
