import type { AgentLinkHandle, AgentLinks } from "../kernel/ports/agent-links.ts";
import type { AuditTrail } from "../kernel/ports/audit-trail.ts";
import type { Limiter } from "../kernel/ports/limiter.ts";
import type { ModelPoolHandle, ModelPools } from "../kernel/ports/model-pools.ts";
import type { TrafficBoard } from "../kernel/ports/traffic-board.ts";
import type { NotebookRoomHandle, NotebookRooms } from "../kernel/ports/notebook-rooms.ts";
import type { RunFeedHandle, RunFeeds } from "../kernel/ports/run-feeds.ts";

type FeedStub = Omit<RunFeedHandle, "watch"> & Pick<Fetcher, "fetch">;

/** Run feeds as Durable Objects, one per run. An upgrade can only travel by fetch, everything else goes by RPC. */
export const createRunFeeds = (namespace: DurableObjectNamespace): RunFeeds => ({
  of(runId) {
    const stub = namespace.getByName(runId) as unknown as FeedStub;
    return {
      appendMetrics: (writer, points, key) => stub.appendMetrics(writer, points, key),
      appendLogs: (writer, lines, key) => stub.appendLogs(writer, lines, key),
      readMetrics: (query) => stub.readMetrics(query),
      readLogs: (query) => stub.readLogs(query),
      sync: () => stub.sync(),
      end: (ending, agentId) => stub.end(ending, agentId),
      expireLease: () => stub.expireLease(),
      remove: () => stub.remove(),
      addTicket: (hash, expiresAt, watcher) => stub.addTicket(hash, expiresAt, watcher),
      redeemTicket: (hash, now) => stub.redeemTicket(hash, now),
      watch: (request) => stub.fetch(request),
    };
  },
});

type LinkStub = Omit<AgentLinkHandle, "connect" | "openTerminal"> & Pick<Fetcher, "fetch">;

/** The links to agents as Durable Objects, one per agent. */
export const createAgentLinks = (namespace: DurableObjectNamespace): AgentLinks => ({
  of(agentId) {
    const stub = namespace.getByName(agentId) as unknown as LinkStub;
    return {
      connect: (request) => stub.fetch(request),
      status: () => stub.status(),
      admits: (instance) => stub.admits(instance),
      ask: (command, onEvent) => stub.ask(command, onEvent),
      readLogs: (query) => stub.readLogs(query),
      readSamples: (span) => stub.readSamples(span),
      addTicket: (hash, expiresAt, ticket) => stub.addTicket(hash, expiresAt, ticket),
      redeemTicket: (hash, now) => stub.redeemTicket(hash, now),
      openTerminal: (request) => stub.fetch(request),
      listTerminals: () => stub.listTerminals(),
      closeTerminal: (id) => stub.closeTerminal(id),
      readRecording: (id) => stub.readRecording(id),
      revoke: () => stub.revoke(),
    };
  },
});

type RoomStub = Omit<NotebookRoomHandle, "watch"> & Pick<Fetcher, "fetch">;

/** Notebook rooms as Durable Objects, one per notebook. */
export const createNotebookRooms = (namespace: DurableObjectNamespace): NotebookRooms => ({
  of(notebookId) {
    const stub = namespace.getByName(notebookId) as unknown as RoomStub;
    return {
      execute: (cellId, timeoutMs, userId) => stub.execute(cellId, timeoutMs, userId),
      start: (timeoutMs, userId) => stub.start(timeoutMs, userId),
      stop: () => stub.stop(),
      restart: () => stub.restart(),
      state: () => stub.state(),
      changed: () => stub.changed(),
      remove: (ownerId) => stub.remove(ownerId),
      addTicket: (hash, expiresAt, watcher) => stub.addTicket(hash, expiresAt, watcher),
      redeemTicket: (hash, now) => stub.redeemTicket(hash, now),
      watch: (request) => stub.fetch(request),
    };
  },
});

/** Model pools as Durable Objects, one per model version. */
export const createModelPools = (namespace: DurableObjectNamespace): ModelPools => ({
  of: (versionId) => namespace.getByName(versionId) as unknown as ModelPoolHandle,
});

// Each answers some thousand calls a second; all are created near whoever called first.
const LIMITER_SHARDS = 32;

/** The shard a key belongs to, by FNV-1a. */
function shardOf(key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return `shard-${(hash >>> 0) % LIMITER_SHARDS}`;
}

/** Rate limits as Durable Objects: a key always meets the same one of a fixed number of objects. */
export const createDurableLimiter = (namespace: DurableObjectNamespace): Limiter => ({
  take: async (key, rule, uses) =>
    (namespace.getByName(shardOf(key)) as unknown as Limiter).take(key, rule, uses),
});

/** The audit trail as the one Durable Object that puts events in their order. */
export const createAuditTrail = (namespace: DurableObjectNamespace): AuditTrail => {
  const keeper = () => namespace.getByName("trail") as unknown as AuditTrail;
  return { append: (events) => keeper().append(events), sync: () => keeper().sync() };
};

/** The board of the isolates' counts as one Durable Object. */
export const createTrafficBoard = (namespace: DurableObjectNamespace): TrafficBoard => {
  const board = () => namespace.getByName("board") as unknown as TrafficBoard;
  return { add: (batch) => board().add(batch), read: () => board().read() };
};
