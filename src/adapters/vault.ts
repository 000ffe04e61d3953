import type { SecretsBackend } from "../kernel/ports/secrets-backend.ts";

export interface VaultOptions {
  address: string;
  /** The mount of a KV engine, version 2. */
  mount: string;
  path: string;
  /** AppRole; otherwise `token`. */
  roleId?: string | undefined;
  secretId?: string | undefined;
  appRoleMount: string;
  token?: string | undefined;
  namespace?: string | undefined;
}

interface Login {
  token: string;
  renewable: boolean;
  /** Epoch milliseconds; `Infinity` for a token that does not end. */
  renewAt: number;
  endsAt: number;
}

interface AuthAnswer {
  auth?: { client_token?: string; lease_duration?: number; renewable?: boolean };
}

const TIMEOUT_MS = 3_000;

const variableOf = (key: string): string => key.toUpperCase().replaceAll("-", "_");

/**
 * HashiCorp Vault over HTTP: AppRole login (or a given token), renewal when two thirds of a token's life are over, a new
 * login when that fails, one read of a KV v2 path. https://developer.hashicorp.com/vault/api-docs
 */
export function createVault(options: VaultOptions, now: () => number = Date.now): SecretsBackend {
  let login: Login | undefined;

  async function call(method: "GET" | "POST", path: string, token?: string, body?: unknown) {
    const response = await fetch(`${options.address.replace(/\/$/, "")}/v1/${path}`, {
      method,
      headers: {
        "x-vault-request": "true",
        ...(token && { "x-vault-token": token }),
        ...(options.namespace && { "x-vault-namespace": options.namespace }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // A redirect would carry the token to wherever it points.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) return (await response.json()) as unknown;
    await response.body?.cancel();
    throw new Error(`Vault answered ${response.status} to ${method} ${path}`);
  }

  function keep({ auth }: AuthAnswer): Login {
    if (!auth?.client_token) throw new Error("Vault answered a login without a token");
    const life = (auth.lease_duration ?? 0) * 1000;
    const [renewAt, endsAt] = life > 0 ? [now() + (life * 2) / 3, now() + life] : [Infinity, Infinity];
    return { token: auth.client_token, renewable: auth.renewable ?? false, renewAt, endsAt };
  }

  async function logIn(): Promise<Login> {
    const { roleId, secretId, token, appRoleMount } = options;
    if (roleId && secretId) {
      const body = { role_id: roleId, secret_id: secretId };
      return keep((await call("POST", `auth/${appRoleMount}/login`, undefined, body)) as AuthAnswer);
    }
    if (token) return { token, renewable: false, renewAt: Infinity, endsAt: Infinity };
    throw new Error("Vault needs an AppRole or a token");
  }

  async function renewed(known: Login): Promise<Login> {
    if (now() < known.renewAt) return known;
    if (!known.renewable || now() >= known.endsAt) return logIn();
    try {
      return keep((await call("POST", "auth/token/renew-self", known.token, {})) as AuthAnswer);
    } catch {
      // Revoked, or at the end of what it may be renewed to.
      return logIn();
    }
  }

  return {
    async read() {
      login = login ? await renewed(login) : await logIn();
      try {
        const answer = await call("GET", `${options.mount}/data/${options.path}`, login.token);
        const values = (answer as { data?: { data?: Record<string, unknown> } }).data?.data ?? {};
        return Object.fromEntries(
          Object.entries(values).flatMap(([key, value]) =>
            typeof value === "string" && value !== "" ? [[variableOf(key), value]] : [],
          ),
        );
      } catch (error) {
        // Whatever was wrong with the token, the next read begins with a new one.
        login = undefined;
        throw error;
      }
    },
  };
}
