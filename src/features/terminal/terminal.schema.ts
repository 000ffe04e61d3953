import { Timestamp, z } from "#http/contract";

const size = (fallback: number) => z.number().int().min(1).max(1000).default(fallback);

export const OpenTerminal = z
  .object({
    agent_id: z
      .uuid()
      .optional()
      .openapi({ description: "May be left out where only one agent has a terminal." }),
    rows: size(24),
    columns: size(80),
    session: z.uuid().optional().openapi({ description: "Look again at a terminal that is open already." }),
  })
  .openapi("OpenTerminal");
export type OpenTerminal = z.infer<typeof OpenTerminal>;

export const TerminalTicket = z
  .object({
    ticket: z.string(),
    expires_in: z.number().int(),
    session: z
      .uuid()
      .openapi({ description: "The terminal's id, to look at it again after a lost connection." }),
    agent_id: z.uuid(),
  })
  .openapi("TerminalTicket");
export type TerminalTicket = z.infer<typeof TerminalTicket>;

const OpenSession = z
  .object({
    id: z.uuid(),
    opened_at: Timestamp,
    attached: z.boolean().openapi({ description: "Whether somebody looks at it now." }),
  })
  .openapi("OpenTerminalSession");

const AgentTerminal = z
  .object({
    agent_id: z.uuid(),
    name: z.string(),
    available: z.boolean(),
    reason: z.string().nullable().openapi({ description: "Why it is not available." }),
    shell: z.string().nullable().openapi({ description: "What a terminal starts there." }),
    recording: z.boolean().openapi({
      description: "Whether what a terminal says there is recorded; what is typed never is.",
    }),
    sessions: z.array(OpenSession).openapi({ description: "The caller's own that are open." }),
  })
  .openapi("AgentTerminal");

export const TerminalInfo = z
  .object({
    available: z.boolean().openapi({ description: "Whether any agent has a terminal for the caller." }),
    shell: z.string().nullable().openapi({
      description:
        "The shell of all agents that have a terminal; null where there is none, or theirs differ.",
    }),
    features: z.array(z.enum(["pty", "resize", "colors", "reconnect", "flow-control"])),
    idle_seconds: z.number().int(),
    max_seconds: z.number().int(),
    agents: z.array(AgentTerminal),
  })
  .openapi("TerminalInfo");
export type TerminalInfo = z.infer<typeof TerminalInfo>;
