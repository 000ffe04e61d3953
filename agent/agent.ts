import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Work } from "../src/kernel/agent-protocol.ts";
import { Refused } from "./api.ts";
import { CommandJob } from "./command-job.ts";
import type { Job, JobSettings, Lease } from "./job.ts";
import { removeFolder } from "./remove-folder.ts";
import { TabularJob } from "./tabular-job.ts";

interface Claimed {
  lease: Lease | null;
  lost: string[];
}

export interface AgentSettings extends JobSettings {
  concurrency: number;
  labels: string[];
  version: string;
  capabilities: string[];
  /** Which of the agent's programs this is: the name its link goes by. */
  instance: string;
  /** Whether this is the agent's one program, as far as its link knows. */
  mayWork(): boolean;
}

const HEARTBEAT_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
const LOOK_MS = 100;

/** Keeps in touch with the server and works off the runs it is given. */
export class Agent {
  readonly #settings: AgentSettings;
  readonly #jobs = new Map<string, { job: Job; since: string; done: Promise<void> }>();
  readonly #stopping = new AbortController();
  /** Folders that could not be removed, which is told once. */
  readonly #stuck = new Set<string>();
  #isDraining = false;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    mkdirSync(join(settings.directory, "jobs"), { recursive: true });
  }

  /** Runs until `stop`; throws when the server refuses the token. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let pause = HEARTBEAT_MS;
    while (!signal.aborted) {
      if (!this.#settings.mayWork()) {
        await this.#suspendAll();
        await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      try {
        // Straight on while there is work to be had, so that a free place does not wait for the next beat.
        const took = await this.#beat(signal);
        pause = took ? 0 : HEARTBEAT_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && error.status === 401) throw error;
        if (error instanceof Refused && error.code === "AGENT_OCCUPIED") await this.#suspendAll();
        pause = Math.min(Math.max(pause, HEARTBEAT_MS / 2) * 2, LONGEST_PAUSE_MS);
        this.#settings.log(
          `no contact: ${error instanceof Error ? error.message : String(error)}; again in ${pause} ms`,
        );
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Leaves its runs to whoever comes next under the same name: they stay leased and are taken up again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#suspendAll();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** What it is working on. */
  work(): Work[] {
    return [...this.#jobs].map(([id, { since }]) => ({ kind: "run", id, since }));
  }

  /** Takes no more work; settles when what it has is done. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    while (this.#jobs.size > 0) await Promise.all([...this.#jobs.values()].map(({ done }) => done));
  }

  /** Where they are another program's now, nothing of them is touched that it may need. */
  async #suspendAll(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map(({ job }) => job.suspend()));
  }

  async #beat(signal: AbortSignal): Promise<boolean> {
    const { api, version, concurrency, capabilities, labels, instance } = this.#settings;
    const json = {
      capabilities,
      labels,
      concurrency,
      version,
      instance,
      holding: [...this.#jobs.keys()],
      accept: !this.#isDraining && this.#jobs.size < concurrency,
    };
    const response = await api.once({ method: "POST", path: "/api/training/leases", json }, signal);
    const { lease, lost } = (await response.json()) as Claimed;
    for (const runId of lost) void this.#jobs.get(runId)?.job.abandon();
    if (lease && !this.#jobs.has(lease.run_id)) this.#start(lease);
    // With no more to be taken up again, a folder nobody works in belongs to a run that has ended.
    if (!lease) this.#dropForeign();
    return lease !== null;
  }

  /** `work-limits`: memory and processes of jobs are bounded here. */
  #start(lease: Lease): void {
    const { log } = this.#settings;
    const job: Job =
      lease.kind === "command"
        ? new CommandJob(lease, this.#settings)
        : new TabularJob(lease, this.#settings);
    log(`${lease.resumed ? "taking up" : "starting"} run ${job.runId}`);
    const done = job
      .run()
      .then((how) => log(`run ${job.runId}: ${how}`))
      .catch((error: unknown) => log(`run ${job.runId} could not be reported: ${String(error)}`))
      .finally(() => this.#jobs.delete(job.runId));
    this.#jobs.set(job.runId, { job, since: new Date().toISOString(), done });
  }

  /** Folders of runs that ended while the agent was away. */
  #dropForeign(): void {
    const jobs = join(this.#settings.directory, "jobs");
    const names = new Set([...this.#jobs.values()].map(({ job }) => job.name));
    for (const name of readdirSync(jobs)) {
      if (!names.has(name) && !this.#stuck.has(name)) this.#drop(jobs, name);
    }
  }

  #drop(jobs: string, name: string): void {
    const trouble = removeFolder(join(jobs, name));
    if (trouble === null) return;
    this.#stuck.add(name);
    this.#settings.log(trouble);
  }
}
