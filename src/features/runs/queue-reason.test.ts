import { expect, it } from "vitest";
import { type Waiting, whyWaiting, type Worker } from "./queue-reason.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const run = (more: Partial<Waiting> = {}): Waiting => ({
  ownerId: "me",
  kind: "command",
  labels: [],
  notBefore: null,
  turn: 1,
  sharedTurn: 1,
  ...more,
});
const worker = (more: Partial<Worker> = {}): Worker => ({
  ownerId: "me",
  shared: false,
  capabilities: ["train", "command"],
  labels: [],
  concurrency: 2,
  busy: 0,
  ...more,
});

it.each<[string, Partial<Waiting>, Partial<Worker>[]]>([
  ["next", {}, [{}]],
  ["next", { labels: ["gpu"] }, [{ labels: ["big", "gpu"] }]],
  ["next", { ownerId: "other" }, [{ shared: true }]],
  ["next", { notBefore: NOW }, [{}]],
  ["others_first", { turn: 2 }, [{ busy: 1 }]],
  ["others_first", { sharedTurn: 2 }, [{ shared: true }]],
  ["next", { sharedTurn: 2 }, [{ shared: true }, {}]],
  ["agents_busy", {}, [{ busy: 2 }, { busy: 3 }]],
  ["agents_busy", {}, [{ concurrency: null, busy: 1 }]],
  ["no_agent", {}, []],
  ["no_agent", { ownerId: "other" }, [{}]],
  ["no_agent_with_capability", {}, [{ capabilities: ["train"] }]],
  ["no_agent_with_labels", { labels: ["gpu", "a100"] }, [{ labels: ["gpu"] }]],
  ["backing_off", { notBefore: new Date(NOW.getTime() + 1) }, [{}]],
])("%s: %o with %o", (reason, waiting, workers) => {
  expect(whyWaiting(run(waiting), workers.map(worker), NOW).reason).toBe(reason);
});

it("counts only agents that may take the run, and no places nobody told of", () => {
  const workers = [worker({ busy: 2 }), worker({ ownerId: "other" }), worker({ labels: ["gpu"], busy: 1 })];
  expect(whyWaiting(run({ labels: ["gpu"] }), workers, NOW).facts).toEqual({
    connected: 2,
    capable: 2,
    matching: 1,
    places: 2,
    busy: 1,
  });
  expect(whyWaiting(run(), [worker({ concurrency: null })], NOW).facts.places).toBeNull();
});
