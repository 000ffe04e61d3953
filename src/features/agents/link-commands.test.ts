import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CommandReply, ToAgent } from "../../kernel/agent-protocol.ts";
import { LinkCommands, type StoredCommand } from "./link-commands.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A link without a socket: what it says is kept, and the agent answers when the test does. */
function link() {
  const stored = new Map<string, StoredCommand>();
  const said: ToAgent[] = [];
  const state = { connected: true };
  const commands = new LinkCommands(
    {
      command: (id) => stored.get(id),
      addCommand: (command) => void stored.set(command.id, { ...command, reply: null }),
      settle(id, reply) {
        const command = stored.get(id);
        if (!command || command.reply) return false;
        stored.set(id, { ...command, reply });
        return true;
      },
      openCommands: () => [...stored.values()].filter(({ reply }) => reply === null),
    },
    { now: Date.now, isConnected: () => state.connected, say: (message) => void said.push(message) },
  );
  return { commands, said, state };
}

const OK: CommandReply = { ok: true, value: 42 };
const ask = { name: "x", args: { a: 1 }, timeoutMs: 1000 };

it("gives up when its time is over, and tells the agent that nobody waits any more", async () => {
  const { commands, said } = link();
  const reply = commands.ask({ ...ask, id: "1" });
  await vi.advanceTimersByTimeAsync(999);
  expect(said).toEqual([{ type: "command", id: "1", name: "x", args: { a: 1 } }]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await reply).toMatchObject({ ok: false, code: "AGENT_TIMEOUT" });
  expect(said.at(-1)).toEqual({ type: "cancel", id: "1" });
  // What comes later changes nothing for whoever asks again.
  commands.take("1", OK);
  expect(await commands.ask({ ...ask, id: "1" })).toMatchObject({ code: "AGENT_TIMEOUT" });
});

it("is one command for all who ask under one id", async () => {
  const { commands, said } = link();
  const replies = [commands.ask({ ...ask, id: "1" }), commands.ask({ ...ask, id: "1" })];
  commands.take("1", OK);
  expect(await Promise.all(replies)).toEqual([OK, OK]);
  expect(await commands.ask({ ...ask, id: "1" })).toEqual(OK);
  expect(said.filter(({ type }) => type === "command")).toHaveLength(1);
});

it("says again what was not answered, and nothing of it to another program", async () => {
  const { commands, said } = link();
  const first = commands.ask({ ...ask, id: "1" });
  const second = commands.ask({ ...ask, id: "2" });
  commands.take("1", OK);
  expect(await first).toEqual(OK);
  said.length = 0;
  commands.repeat();
  expect(said).toEqual([{ type: "command", id: "2", name: "x", args: { a: 1 } }]);
  commands.abandon("It is gone.");
  expect(await second).toMatchObject({ ok: false, code: "AGENT_GONE" });
});

it("refuses at once without a connection", async () => {
  const { commands, state } = link();
  state.connected = false;
  expect(await commands.ask(ask)).toMatchObject({ ok: false, code: "AGENT_OFFLINE" });
});

it("tells an agent that comes back what was to be kept for it, until it has answered", async () => {
  const { commands, said, state } = link();
  const unheard = commands.ask({ ...ask, keepMs: 60_000 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(await unheard).toMatchObject({ ok: false, code: "AGENT_TIMEOUT" });
  state.connected = false;
  expect(await commands.ask({ ...ask, name: "y", keepMs: 60_000 })).toMatchObject({ code: "AGENT_OFFLINE" });
  commands.lose("Nothing was heard of it.");
  said.length = 0;
  commands.repeat();
  expect(said.map((message) => message.type === "command" && message.name)).toEqual(["x", "y"]);
  for (const message of said.slice()) if (message.type === "command") commands.take(message.id, OK);
  said.length = 0;
  commands.repeat();
  expect(said).toEqual([]);
});

it("keeps nothing for a program that was started anew", async () => {
  const { commands, said, state } = link();
  state.connected = false;
  await commands.ask({ ...ask, keepMs: 60_000 });
  commands.abandon("It is gone.");
  said.length = 0;
  commands.repeat();
  expect(said).toEqual([]);
});
