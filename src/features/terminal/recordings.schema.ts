import { PageQuery, Timestamp, z } from "#http/contract";
import type { TerminalRecordingRow } from "../../db/schema.ts";

const id = z.uuid().toLowerCase().optional();

export const RecordingsQuery = PageQuery.extend({ agent_id: id, user_id: id });
export type RecordingsQuery = z.infer<typeof RecordingsQuery>;

export const Recording = z
  .object({
    id: z.uuid().openapi({ description: "The terminal's." }),
    agent_id: z.uuid(),
    agent_name: z.string().openapi({ description: "As it was called then." }),
    user_id: z.uuid(),
    user_name: z.string().openapi({ description: "As it was called then." }),
    status: z.enum(["recording", "ended"]),
    end_reason: z
      .string()
      .nullable()
      .openapi({ description: "`exit`, `idle`, `time`, `closed`, `abandoned`, `drained` or `lost`." }),
    started_at: Timestamp,
    ended_at: Timestamp.nullable(),
    duration_seconds: z.number(),
    bytes: z.number().int().openapi({ description: "Size of the file; of one under way, what is stored." }),
    truncated: z
      .boolean()
      .openapi({ description: "It said more than is kept; the last event, a marker, says so too." }),
  })
  .openapi("TerminalRecording");
export type Recording = z.infer<typeof Recording>;

export const toRecording = (row: TerminalRecordingRow, now: Date): Recording => ({
  id: row.id,
  agent_id: row.agentId,
  agent_name: row.agentName,
  user_id: row.userId,
  user_name: row.userName,
  status: row.endedAt === null ? "recording" : "ended",
  end_reason: row.endReason,
  started_at: row.createdAt.toISOString(),
  ended_at: row.endedAt?.toISOString() ?? null,
  duration_seconds: ((row.endedAt ?? now).getTime() - row.createdAt.getTime()) / 1000,
  bytes: row.bytes,
  truncated: row.truncated,
});
