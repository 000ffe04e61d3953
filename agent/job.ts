import { createWriteStream, existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { type Api, Refused } from "./api.ts";
import { Delivery } from "./delivery.ts";
import { Journal } from "./journal.ts";
import { removeFolder } from "./remove-folder.ts";
import type { JobUser } from "./work/environment.ts";
import type { Limits } from "./work/limits.ts";
import type { ProcessGroup } from "./work/process-group.ts";

export interface Lease {
  run_id: string;
  kind: "builtin:tabular" | "command";
  config: Record<string, unknown>;
  command?: LeasedCommand;
  /** What the process of a command writes with. */
  token?: string;
  attempt: number;
  max_retries: number;
  timeout_seconds: number | null;
  resumed: boolean;
  /** How many points and log lines the run's feed holds. */
  entries: number;
}

export interface LeasedCommand {
  argv?: string[];
  script?: string;
  interpreter?: string;
  files: { as: string }[];
  env: Record<string, string>;
}

/** What jobs of an agent have in common. */
export interface JobSettings {
  api: Api;
  url: string;
  directory: string;
  limits: Limits;
  user: JobUser | undefined;
  /** Whether it runs commands of users at all. */
  allowCommand: boolean;
  log(text: string): void;
}

/** A failure that another attempt would only repeat. */
export class Hopeless extends Error {}

/** One attempt of a run, from its files to its report. Safe to start again after a crash at any point. */
export abstract class Job {
  readonly runId: string;
  /** The name of its folder, which is another for each attempt. */
  readonly name: string;
  protected readonly lease: Lease;
  protected readonly settings: JobSettings;
  protected readonly folder: string;
  protected readonly limits: Limits;
  protected process: ProcessGroup | undefined;
  readonly #stopped = new AbortController();
  #suspended = false;

  constructor(lease: Lease, settings: JobSettings) {
    this.lease = lease;
    this.settings = settings;
    this.runId = lease.run_id;
    this.name = `${lease.run_id}-${lease.attempt}`;
    this.folder = join(settings.directory, "jobs", this.name);
    this.limits = {
      ...settings.limits,
      wallSeconds: shorter(lease.timeout_seconds, settings.limits.wallSeconds),
    };
  }

  /** All of the work but the report of a failure. */
  protected abstract work(): Promise<void>;

  /** What is left to do once the run was stopped or given to somebody else. */
  protected salvage(): Promise<void> {
    return Promise.resolve();
  }

  protected get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Ends the work for good; the run is somebody else's or over. */
  async abandon(): Promise<void> {
    this.#stopped.abort();
    await this.process?.kill();
  }

  /** Ends the process but keeps all that is needed to take the run up again. */
  suspend(): Promise<void> {
    this.#suspended = true;
    return this.abandon();
  }

  /** Runs to the end and reports it. Resolves also when the run was lost on the way. */
  async run(): Promise<"reported" | "lost"> {
    try {
      if (this.lease.resumed && this.lease.entries > 0 && !existsSync(this.folder))
        throw new Error(
          "The agent lost its working folder, so it cannot tell what the run has reported already.",
        );
      await this.work();
      return "reported";
    } catch (error) {
      if (this.signal.aborted || (error instanceof Refused && error.meansLost)) {
        await this.abandon();
        if (!this.#suspended) await this.salvage();
        return "lost";
      }
      await this.process?.kill();
      return await this.#fail(error);
    } finally {
      if (!this.#suspended) this.#removeFolder();
    }
  }

  #removeFolder(): void {
    const trouble = removeFolder(this.folder);
    if (trouble !== null) this.settings.log(`run ${this.runId}: ${trouble}`);
  }

  /** Told twice, the first time without an answer, the attempt is over and no longer this agent's. */
  async #fail(error: unknown): Promise<"reported" | "lost"> {
    const text = error instanceof Error ? error.message : String(error);
    const retry = !(error instanceof Hopeless || error instanceof Refused);
    try {
      await this.report({ success: false, retry, error: text.slice(0, 4000) });
      return "reported";
    } catch (refusal) {
      if (this.signal.aborted || (refusal instanceof Refused && refusal.meansLost)) return "lost";
      throw refusal;
    }
  }

  protected async report(json: Report): Promise<void> {
    const response = await this.call("POST", "report", { json });
    await response.body?.cancel();
  }

  protected async download(what: string, target: string): Promise<void> {
    const draft = `${target}.draft`;
    const response = await this.call("GET", what);
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(draft));
    renameSync(draft, target);
  }

  /** Batches go by the attempt and the numbers of their lines, so that one sent twice is known again. */
  protected delivery<T>(kind: "metrics" | "logs", bodyOf: (lines: T[]) => unknown): Delivery<T> {
    const journal = new Journal(join(this.folder, `${kind}.journal`));
    return new Delivery<T>({
      journal,
      send: async (lines, first, until) => {
        const path = `/api/training/runs/${this.runId}/${kind}`;
        const headers = { "idempotency-key": `agent-${this.lease.attempt}-${first}-${until}` };
        const response = await this.settings.api.call(
          { method: "POST", path, json: bodyOf(lines), headers },
          this.signal,
        );
        await response.body?.cancel();
      },
    });
  }

  protected call(
    method: "GET" | "POST" | "PUT",
    what: string,
    rest: { json?: unknown; body?: Uint8Array; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const path = `/api/training/leases/${this.runId}/${what}`;
    return this.settings.api.call({ method, path, ...rest }, this.signal);
  }
}

export interface Report {
  success: boolean;
  retry?: boolean;
  error?: string;
  result?: unknown;
}

const shorter = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);
