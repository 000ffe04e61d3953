import { Ended, Found, Said } from "./agent-kernel-replies.ts";
import type { CommandReply } from "../kernel/agent-protocol.ts";
import type { AgentLinkHandle, AgentLinks } from "../kernel/ports/agent-links.ts";
import type {
  Execution,
  ExecutionEnd,
  Kernel,
  KernelEvent,
  Kernels,
  KernelStart,
  KernelWish,
} from "../kernel/ports/kernels.ts";

const ANSWER_MS = 10_000;
/** By then an agent has ended a kernel that ran no cell by itself. */
const KEEP_MS = 24 * 3_600_000;
// An interpreter that is over its time is interrupted, then killed, by the agent; this is for an agent that says nothing.
const GRACE_MS = 30_000;

const deadBy = ({ message }: Extract<CommandReply, { ok: false }>): ExecutionEnd => ({
  status: "dead",
  reason: message,
});

const GIBBERISH = "The agent said what no kernel says; the kernel was ended.";

/** An interpreter on an agent's machine. */
class AgentKernel implements Kernel {
  readonly #link: AgentLinkHandle;
  readonly #which: { notebook: string; life: number };
  readonly agentId: string;
  readonly implementation: string | null;
  /** What an agent that could not be told to end the kernel counts as having said of the cell. */
  readonly #lost = Promise.withResolvers<CommandReply>();
  alive = true;

  constructor(links: AgentLinks, agentId: string, { notebookId, life }: KernelWish, told: unknown) {
    [this.#link, this.agentId] = [links.of(agentId), agentId];
    this.#which = { notebook: notebookId, life };
    this.implementation = Found.safeParse(told).data?.implementation ?? null;
  }

  isOf({ notebookId, life }: KernelWish): boolean {
    return this.#which.notebook === notebookId && this.#which.life === life;
  }

  async execute(
    { cellId, source, timeoutMs }: Execution,
    emit: (event: KernelEvent) => void,
  ): Promise<ExecutionEnd> {
    const args = { ...this.#which, cell: cellId, source, timeout_ms: timeoutMs };
    const command = { name: "kernel.execute", args, timeoutMs: timeoutMs + GRACE_MS };
    let hasEnded = false;
    const asked = this.#link.ask(command, (given) => {
      if (hasEnded) return;
      const event = Said.safeParse(given);
      if (event.success) emit(event.data);
      else this.#lost.resolve({ ok: false, code: "AGENT_FAULT", message: GIBBERISH });
    });
    const reply = await Promise.race([asked, this.#lost.promise]);
    hasEnded = true;
    const end = this.#endBy(reply);
    if (end.status === "dead") this.alive = false;
    if (end.status === "dead" && end.reason === GIBBERISH) await this.shutdown();
    return end;
  }

  #endBy(reply: CommandReply): ExecutionEnd {
    if (!reply.ok) return deadBy(reply);
    return Ended.safeParse(reply.value).data ?? { status: "dead", reason: GIBBERISH };
  }

  async interrupt(): Promise<void> {
    await this.#tell("kernel.interrupt");
  }

  async shutdown(): Promise<void> {
    this.alive = false;
    const reply = await this.#tell("kernel.shutdown", KEEP_MS);
    // Nobody should wait for the time the cell was given; an agent that comes back is told then.
    if (!reply.ok) this.#lost.resolve(reply);
  }

  #tell(name: string, keepMs = 0): Promise<CommandReply> {
    return this.#link.ask({ name, args: this.#which, timeoutMs: ANSWER_MS, keepMs });
  }
}

/** Finds the agents that may run a person's cells, those most fit first. */
export type AgentsFor = (ownerId: string) => Promise<string[]>;

/** Interpreters on agents' machines; a notebook's stays on the agent where it was started. */
export function createAgentKernels(links: AgentLinks, agentsFor: AgentsFor): Kernels {
  const known = new Map<string, AgentKernel>();

  async function ask(
    agentId: string,
    name: string,
    { notebookId, life }: KernelWish,
    keepMs = 0,
  ): Promise<CommandReply> {
    const args = { notebook: notebookId, life };
    return links.of(agentId).ask({ name, args, timeoutMs: ANSWER_MS, keepMs });
  }

  function keep(agentId: string, wish: KernelWish, told: unknown): AgentKernel {
    const kernel = new AgentKernel(links, agentId, wish, told);
    known.set(wish.notebookId, kernel);
    return kernel;
  }

  async function findOn(agentId: string, wish: KernelWish): Promise<AgentKernel | undefined> {
    const reply = await ask(agentId, "kernel.find", wish);
    const isThere = reply.ok && Found.safeParse(reply.value).data?.alive === true;
    return isThere && reply.ok ? keep(agentId, wish, reply.value) : undefined;
  }

  /** Tells an agent that the kernel is over, also one that has never been heard to hold it. */
  async function endOn(agentId: string, wish: KernelWish): Promise<void> {
    const present = known.get(wish.notebookId);
    if (present?.alive && present.isOf(wish) && present.agentId === agentId) return present.shutdown();
    await ask(agentId, "kernel.shutdown", wish, KEEP_MS);
  }

  return {
    async find(wish: KernelWish) {
      const agents = await agentsFor(wish.ownerId);
      const present = known.get(wish.notebookId);
      if (present?.alive && present.isOf(wish) && agents.includes(present.agentId)) return present;
      known.delete(wish.notebookId);
      // Its agent serves them no longer.
      if (present?.alive) await present.shutdown();
      for (const agentId of agents) {
        const kernel = await findOn(agentId, wish);
        if (kernel) return kernel;
      }
      return undefined;
    },

    async start(wish: KernelWish, asking: (place: string) => void): Promise<KernelStart> {
      let reason =
        "No agent of yours runs Python cells now; start one with --allow-command where python3 is.";
      for (const agentId of await agentsFor(wish.ownerId)) {
        asking(agentId);
        const reply = await ask(agentId, "kernel.start", wish);
        if (reply.ok) return { ok: true, kernel: keep(agentId, wish, reply.value) };
        reason = reply.message;
      }
      return { ok: false, reason };
    },

    async end(wish: KernelWish, places: string[]) {
      // Where it is was not always noted.
      if (places.length === 0) return (await this.find(wish))?.shutdown();
      await Promise.all(places.map((agentId) => endOn(agentId, wish)));
    },
  };
}
