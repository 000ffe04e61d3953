import { expect, it } from "vitest";
import type { CommandReply } from "../../src/kernel/agent-protocol.ts";
import { CommandRefused, CommandRunner } from "./commands.ts";

function runner() {
  const answers: [id: string, reply: CommandReply][] = [];
  const emitted: [id: string, data: unknown][] = [];
  let runs = 0;
  const commands = new CommandRunner(
    {
      count: async () => ++runs,
      refuse: async () => {
        throw new CommandRefused("NOT_NOW", "Later.");
      },
      count_down: async (_args, _signal, emit) => {
        await emit(2);
        await emit(1);
      },
      shout: async () => "x".repeat(2_000),
      hang: (_args, signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("cancelled")))),
    },
    {
      answer: (id, reply) => void answers.push([id, reply]),
      fit: (reply) =>
        JSON.stringify(reply).length > 1_000 ? { ok: false, code: "LARGE", message: "" } : reply,
      emit: async (id, data) => void emitted.push([id, data]),
    },
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { commands, answers, emitted, settled };
}

it("does a command once, however often it comes, and answers every time", async () => {
  const { commands, answers, settled } = runner();
  commands.take("1", "count", null);
  commands.take("1", "count", null);
  await settled();
  commands.take("1", "count", null);
  expect(answers).toEqual([
    ["1", { ok: true, value: 1 }],
    ["1", { ok: true, value: 1 }],
  ]);
  expect([...commands.unsettled()]).toHaveLength(1);
  commands.settle("1");
  expect([...commands.unsettled()]).toEqual([]);
});

it("answers what it does not know, refuses in the command's own words, and gives up what is cancelled", async () => {
  const { commands, answers, settled } = runner();
  commands.take("1", "constructor", null);
  commands.take("2", "refuse", null);
  commands.take("3", "hang", null);
  commands.cancel("3");
  await settled();
  expect(Object.fromEntries(answers)).toEqual({
    1: { ok: false, code: "COMMAND_UNKNOWN", message: expect.stringContaining("constructor") },
    2: { ok: false, code: "NOT_NOW", message: "Later." },
    3: { ok: false, code: "COMMAND_FAILED", message: "cancelled" },
  });
});

it("says what a command says under the command's own name", async () => {
  const { commands, emitted, answers, settled } = runner();
  commands.take("7", "count_down", null);
  await settled();
  expect(emitted).toEqual([
    ["7", 2],
    ["7", 1],
  ]);
  expect(answers).toEqual([["7", { ok: true, value: null }]]);
});

it("keeps a refusal in the place of an answer that cannot be sent", async () => {
  const { commands, answers, settled } = runner();
  commands.take("1", "shout", null);
  await settled();
  expect(answers).toEqual([["1", { ok: false, code: "LARGE", message: "" }]]);
  expect([...commands.unsettled()]).toEqual(answers);
});
