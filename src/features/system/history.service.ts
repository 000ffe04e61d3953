import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { Sample, SampleHistory, SystemCommand } from "../../kernel/system-sample.ts";
import { ask, type Asked, fleetOf, type Member } from "./fleet.service.ts";
import { type HistoryQuery, type Span, type SystemHistory, toSystemHistory } from "./history.schema.ts";
import type { Dated } from "./history-series.ts";

/** The last minute, which only the agent knows, by our clock. */
async function lastMinute(ctx: Ctx, member: Member): Promise<Asked<Dated[]>> {
  const asked = await ask(ctx, member, { ...SystemCommand.history, answer: SampleHistory });
  if (!asked.ok) return asked;
  const { samples } = asked.value;
  const newest = Math.max(...samples.map(({ at }) => Date.parse(at)));
  // A clock that was set since its agent dialled in shows by samples from our future.
  const ahead = Math.max(member.status?.clockSkewMs ?? 0, newest - ctx.now.getTime());
  const value = samples.map((sample) => ({ at: Date.parse(sample.at) - ahead, sample }));
  return { ok: true, value };
}

/** What the link has kept of what the agent said, also of one that is gone. */
async function longer(ctx: Ctx, { agent, link }: Member, span: "hour" | "day"): Promise<Asked<Dated[]>> {
  try {
    const kept = await link.readSamples(span);
    const value = kept.flatMap(({ at, sample }) => {
      const read = Sample.safeParse(sample);
      return read.success ? [{ at, sample: read.data }] : [];
    });
    if (value.length < kept.length)
      ctx.log("warn", "system.samples_unreadable", { agent_id: agent.id, count: kept.length - value.length });
    return { ok: true, value };
  } catch (error) {
    ctx.log("warn", "system.link_unreachable", { agent_id: agent.id, error });
    return { ok: false, code: "AGENT_GONE", message: "The agent's link did not answer." };
  }
}

const recall = (ctx: Ctx, member: Member, span: Span): Promise<Asked<Dated[]>> =>
  span === "minute" ? lastMinute(ctx, member) : longer(ctx, member, span);

/** How the caller's machines were: a minute, an hour or a day. */
export async function getHistory(ctx: Ctx, { agent_id, span }: HistoryQuery): Promise<SystemHistory> {
  const actor = allow(ctx, "system:read");
  const members = await fleetOf(ctx, actor, agent_id);
  const remembered = members.map(async (member) => ({ member, asked: await recall(ctx, member, span) }));
  return toSystemHistory(await Promise.all(remembered), span);
}
