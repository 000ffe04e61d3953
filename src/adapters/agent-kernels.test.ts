import { expect, it } from "vitest";
import type { CommandReply } from "../kernel/agent-protocol.ts";
import type { AgentLinks, LinkCommand } from "../kernel/ports/agent-links.ts";
import { createAgentKernels } from "./agent-kernels.ts";

const WISH = { name: "python", notebookId: "n", ownerId: "o", life: 0 } as const;
const noted = () => undefined;
const OFFLINE: CommandReply = { ok: false, code: "AGENT_OFFLINE", message: "The agent is not connected." };
const OK = (value: unknown): CommandReply => ({ ok: true, value });

/** Agents that answer as `answers` says; what they are asked is kept. */
function world(answers: Record<string, (command: LinkCommand) => CommandReply>) {
  const asked: string[] = [];
  const args: unknown[] = [];
  const links = {
    of: (agentId: string) => ({
      ask: async (command: LinkCommand) => {
        asked.push(`${agentId} ${command.name}`);
        args.push(command.args);
        return answers[agentId]!(command);
      },
    }),
  } as unknown as AgentLinks;
  /** Those that serve the owner now. */
  const fit = Object.keys(answers);
  return { asked, args, fit, kernels: createAgentKernels(links, async () => fit) };
}

it("says why there is no kernel: no agent, or what the last agent said", async () => {
  expect(await world({}).kernels.start(WISH, noted)).toMatchObject({
    ok: false,
    reason: expect.stringContaining("--allow-command"),
  });
  expect(await world({ a: () => OFFLINE }).kernels.start(WISH, noted)).toEqual({
    ok: false,
    reason: "The agent is not connected.",
  });
});

it("starts on the first agent that can, and stays there", async () => {
  const { kernels, asked } = world({ a: () => OFFLINE, b: () => OK({ status: "ok" }), c: () => OK(null) });
  const start = await kernels.start(WISH, noted);
  expect(start.ok).toBe(true);
  expect(await kernels.find(WISH)).toBe(start.ok && start.kernel);
  expect(asked).toEqual(["a kernel.start", "b kernel.start"]);
});

it("finds a kernel it was not told of, asking each agent, and none where no agent holds one", async () => {
  const alive = (is: boolean) => () => OK({ alive: is });
  const { kernels, asked } = world({ a: alive(false), b: alive(true) });
  expect(await kernels.find(WISH)).toBeDefined();
  expect(asked).toEqual(["a kernel.find", "b kernel.find"]);
  expect(await world({ a: alive(false), b: () => OFFLINE }).kernels.find(WISH)).toBeUndefined();
});

it("takes a kernel for dead whose agent is lost in the middle of a cell", async () => {
  const { kernels } = world({
    a: ({ name }) => (name === "kernel.execute" ? OFFLINE : OK({ alive: false })),
  });
  const start = await kernels.start(WISH, noted);
  if (!start.ok) throw new Error(start.reason);
  const end = await start.kernel.execute({ cellId: "c", source: "", timeoutMs: 1 }, () => undefined);
  expect(end).toEqual({ status: "dead", reason: "The agent is not connected." });
  expect(await kernels.find(WISH)).toBeUndefined();
});

it("ends a cell whose agent does not answer any more, and passes nothing on after that", async () => {
  let say: (event: unknown) => unknown = () => undefined;
  const links = {
    of: () => ({
      ask: ({ name }: LinkCommand, onEvent?: typeof say) => {
        if (name !== "kernel.execute") return Promise.resolve(name === "kernel.start" ? OK(null) : OFFLINE);
        say = onEvent!;
        return new Promise(() => undefined);
      },
    }),
  } as unknown as AgentLinks;
  const start = await createAgentKernels(links, async () => ["a"]).start(WISH, noted);
  if (!start.ok) throw new Error(start.reason);
  const heard: unknown[] = [];
  const running = start.kernel.execute({ cellId: "c", source: "", timeoutMs: 600_000 }, (event) =>
    heard.push(event),
  );
  const said = (text: string) => ({ type: "stream", name: "stdout", text });
  say(said("before"));
  await start.kernel.interrupt();
  await start.kernel.shutdown();
  expect(await running).toEqual({ status: "dead", reason: "The agent is not connected." });
  say(said("after"));
  expect(heard).toEqual([said("before")]);
});

it("ends a kernel whose agent serves its owner no longer, and starts the next one elsewhere", async () => {
  const answers = { a: () => OK({ alive: false }), b: () => OK({ alive: false }) };
  const { kernels, asked, fit } = world(answers);
  await kernels.start(WISH, noted);
  fit.shift();
  expect(await kernels.find(WISH)).toBeUndefined();
  expect((await kernels.start(WISH, noted)).ok).toBe(true);
  expect(asked).toEqual(["a kernel.start", "a kernel.shutdown", "b kernel.find", "b kernel.start"]);
});

it("names each agent before it is asked to start a kernel, and ends it there though it never answered", async () => {
  const told: LinkCommand[] = [];
  const answer = (command: LinkCommand) => (told.push(command), OFFLINE);
  const { kernels, asked } = world({ a: answer, b: () => OK({ alive: true }), c: answer });
  const places: string[] = [];
  await kernels.start(WISH, (place) => places.push(`${place} of ${asked.length}`));
  expect(places).toEqual(["a of 0", "b of 1"]);
  const { kernels: later, asked: then } = world({ a: answer, b: () => OK(null), c: answer });
  await later.end(WISH, ["a", "b"]);
  expect(then).toEqual(["a kernel.shutdown", "b kernel.shutdown"]);
  expect(told.at(-1)).toMatchObject({ args: { notebook: "n", life: 0 }, keepMs: 24 * 3_600_000 });
});

it("ends a kernel of which nobody has noted where it is", async () => {
  const { kernels, asked } = world({ a: () => OK({ alive: false }), b: () => OK({ alive: true }) });
  await kernels.end(WISH, []);
  expect(asked).toEqual(["a kernel.find", "b kernel.find", "b kernel.shutdown"]);
});

it("asks for a kernel of the notebook's present life, whatever an earlier one's end came to", async () => {
  const { kernels, asked, args } = world({
    a: ({ name }) => (name === "kernel.shutdown" ? OFFLINE : OK({ alive: false, implementation: "i" })),
  });
  const start = await kernels.start(WISH, noted);
  expect(start.ok && start.kernel.implementation).toBe("i");
  if (start.ok) await start.kernel.shutdown();
  expect(await kernels.find({ ...WISH, life: 1 })).toBeUndefined();
  expect((await kernels.start({ ...WISH, life: 1 }, noted)).ok).toBe(true);
  expect(asked).toEqual(["a kernel.start", "a kernel.shutdown", "a kernel.find", "a kernel.start"]);
  expect(args).toEqual([0, 0, 1, 1].map((life) => ({ notebook: "n", life })));
});

it.each([
  ["an end", undefined, { status: "fine" }],
  ["an output", { type: "stream", name: "stdout", text: 5 }, { status: "ok" }],
  ["a form of output", { type: "dance" }, { status: "ok" }],
])("ends a kernel whose agent makes up %s", async (_, event, end) => {
  const asked: string[] = [];
  const links = {
    of: () => ({
      ask: async ({ name }: LinkCommand, onEvent?: (event: unknown) => unknown) => {
        asked.push(name);
        if (event) await onEvent?.(event);
        return OK(name === "kernel.execute" ? end : null);
      },
    }),
  } as unknown as AgentLinks;
  const start = await createAgentKernels(links, async () => ["a"]).start(WISH, noted);
  if (!start.ok) throw new Error(start.reason);
  const heard: unknown[] = [];
  const cell = { cellId: "c", source: "", timeoutMs: 1000 };
  const ended = await start.kernel.execute(cell, (said) => void heard.push(said));
  expect(ended).toEqual({ status: "dead", reason: expect.stringContaining("what no kernel says") });
  expect([heard, start.kernel.alive, asked.at(-1)]).toEqual([[], false, "kernel.shutdown"]);
});

it("takes what a cell shows by whatever name, and leaves the kernel alone", async () => {
  const odd = { "text/plain": "x", ["k".repeat(201)]: "y", constructor: "z", toString: 5 };
  const events = [
    { type: "display", data: odd, metadata: odd },
    { type: "result", data: JSON.parse('{"__proto__": 1}') as object, metadata: {} },
  ];
  const links = {
    of: () => ({
      ask: async ({ name }: LinkCommand, onEvent?: (event: unknown) => unknown) => {
        if (name === "kernel.execute") for (const event of events) await onEvent?.(event);
        return OK({ status: "ok" });
      },
    }),
  } as unknown as AgentLinks;
  const start = await createAgentKernels(links, async () => ["a"]).start(WISH, noted);
  if (!start.ok) throw new Error(start.reason);
  const heard: unknown[] = [];
  const cell = { cellId: "c", source: "", timeoutMs: 1000 };
  expect(await start.kernel.execute(cell, (said) => void heard.push(said))).toEqual({ status: "ok" });
  expect(heard[0]).toEqual(events[0]);
  expect([heard.length, start.kernel.alive]).toEqual([2, true]);
});
