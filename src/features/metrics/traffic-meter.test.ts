import { expect, it } from "vitest";
import type { TrafficBatch, TrafficBoard } from "../../kernel/ports/traffic-board.ts";
import { TrafficMeter } from "./traffic-meter.ts";
import { TrafficSums } from "./traffic-totals.ts";

/** A board that can be cut off before or after it has counted. */
class Board implements TrafficBoard {
  readonly sums = new TrafficSums(0);
  readonly batches: TrafficBatch[] = [];
  cut: "before" | "after" | undefined;

  async add(batch: TrafficBatch): Promise<void> {
    this.batches.push(batch);
    if (this.cut === "before") throw new Error("cut");
    this.sums.add(batch, 0);
    if (this.cut === "after") throw new Error("cut");
  }

  async read() {
    return this.sums.totals(0);
  }

  get counted(): number {
    return this.sums
      .totals(0)
      .series.flatMap(({ statuses }) => statuses)
      .reduce((sum, [, count]) => sum + count, 0);
  }
}

function meterOf(board: Board) {
  const complaints: string[] = [];
  const works: Promise<void>[] = [];
  const meter = new TrafficMeter(board, (_level, event) => complaints.push(event), "isolate", 1);
  const count = (now = 0) =>
    meter.count({ method: "GET", route: "/x", status: 200, ms: 1 }, now, (work) => works.push(work));
  return { meter, count, works, complaints };
}

it("tells of many requests at once", async () => {
  const board = new Board();
  const { count, works } = meterOf(board);
  for (let i = 0; i < 100; i++) count();
  expect(works).toHaveLength(1);
  await works[0];
  expect([board.batches.length, board.counted]).toEqual([1, 100]);
  count();
  await works[1];
  expect([board.batches.length, board.counted]).toEqual([2, 101]);
});

it.each(["before", "after"] as const)(
  "counts nothing twice and loses nothing when cut off %s",
  async (when) => {
    const board = new Board();
    const { count, works, complaints } = meterOf(board);
    count();
    board.cut = when;
    await works[0];
    expect(complaints).toEqual(["metrics.board_unreachable"]);
    board.cut = undefined;
    count();
    await works[1];
    // The batch that was cut off goes first, as it was; what came since goes after it.
    expect(board.batches.map(({ seq }) => seq)).toEqual([1, 1, 2]);
    expect(board.counted).toBe(2);
  },
);

it("says all it knows to whoever asks, also when several ask at once", async () => {
  const board = new Board();
  const { meter, count } = meterOf(board);
  count();
  const [a, b] = await Promise.all([meter.totals(), meter.totals()]);
  expect(a.series).toEqual(b.series);
  count();
  expect((await meter.totals()).series[0]!.statuses).toEqual([[200, 2]]);
  board.cut = "before";
  count();
  await expect(meter.totals()).rejects.toThrow("cut");
});

it("promises anew when the request a promise hung on was cut off", () => {
  const { count, works } = meterOf(new Board());
  count(1_000);
  count(20_999);
  expect(works).toHaveLength(1);
  count(21_000);
  expect(works).toHaveLength(2);
});
