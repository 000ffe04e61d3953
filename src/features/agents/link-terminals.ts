import type { CommandReply } from "../../kernel/agent-protocol.ts";
import type { Log } from "../../kernel/log.ts";
import type { LinkCommand } from "../../kernel/ports/agent-links.ts";
import type { AuditEvent } from "../../kernel/ports/audit-trail.ts";
import type { Blobs } from "../../kernel/ports/blobs.ts";
import type { AgentRecords } from "./agent-records.repo.ts";
import type { RecordingArchive } from "./recording-archive.repo.ts";
import { SqlRecordingStore } from "./sql-recording-store.ts";
import { endEvent, recordingEvent } from "./terminal-audit.ts";
import { TerminalRecorder } from "./terminal-recorder.ts";
import { TerminalRelay } from "./terminal-relay.ts";
import { TerminalStore } from "./terminal-store.ts";

export interface TerminalPorts {
  records: Pick<AgentRecords, "mayUseTerminal">;
  recordings: RecordingArchive;
  blobs: Pick<Blobs, "put">;
  log: Log;
}

/** What an agent's link lends to its terminals. */
export interface LinkHost {
  sockets(): WebSocket[];
  accept(socket: WebSocket): void;
  ask(command: LinkCommand): Promise<CommandReply>;
  toAgent(frame: Uint8Array): void;
  background(work: Promise<unknown>): void;
  tellTrail(event: AuditEvent): void;
}

/** The terminals of one agent, and what is recorded of them. */
export function createTerminals(sql: SqlStorage, agentId: string, ports: TerminalPorts, host: LinkHost) {
  const store = new TerminalStore(sql);
  const recordingStore = new SqlRecordingStore(sql);
  const { recordings, blobs, log } = ports;
  const tellOf = (id: string, action: string) => {
    const record = store.terminal(id);
    if (record) host.tellTrail(recordingEvent(agentId, record, action, Date.now()));
  };
  const recorder: TerminalRecorder = new TerminalRecorder(recordingStore, {
    now: Date.now,
    putPart: (key, bytes) => blobs.put(key, new Blob([bytes]).stream(), bytes.length),
    note: (recording) => recordings.note(recording),
    credit: (channel, offset) => relay.credit(channel, offset),
    truncated(id) {
      relay.truncated(id);
      tellOf(id, "terminal.recording_full");
    },
    failed(id, error) {
      log("error", "terminal.unrecordable", { agent_id: agentId, terminal: id, error });
      tellOf(id, "terminal.unrecordable");
      relay.unrecorded(id);
    },
    background: (work) => host.background(work),
  });
  const relay: TerminalRelay = new TerminalRelay(store, recorder, {
    ...host,
    announce: ({ terminal: id, userId, userName, agentName }, startedAt) =>
      recordings.begin({ id, agentId, agentName, userId, userName, startedAt }),
    retract: (id) => recordings.forget(id),
    stillMay: (watchers) => ports.records.mayUseTerminal(watchers),
    ended: (record, end) => host.tellTrail(endEvent(agentId, record, end, Date.now())),
  });
  return { store, recordingStore, recorder, relay };
}
