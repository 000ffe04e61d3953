import { describe, expect, it } from "vitest";
import { MinuteLog, minuteOf } from "./minute-log.ts";

const MINUTE = minuteOf(1_800_000_030_000);

describe("MinuteLog", () => {
  it("closes a minute when the next begins, with its own counts and quantiles", () => {
    const log = new MinuteLog("e");
    log.record("success", 10, MINUTE + 1);
    log.record("error", null, MINUTE + 2);
    log.record("refused", null, MINUTE + 3);
    expect(log.due(MINUTE + 59_999)).toEqual([]);
    log.record("success", 1000, MINUTE + 60_000);
    const [row, ...rest] = log.due(MINUTE + 60_001);
    expect(rest).toEqual([]);
    expect(row).toMatchObject({ endpointId: "e", minute: MINUTE, requestsSuccess: 1, requestsError: 1 });
    expect(Math.abs(row!.p99! - 10)).toBeLessThan(0.1);
  });

  it("keeps what was not written and drops what was", () => {
    const log = new MinuteLog("e");
    for (let i = 0; i < 3; i++) log.record("success", 1, MINUTE + i * 60_000);
    const rows = log.due(MINUTE + 180_000);
    expect(rows).toHaveLength(3);
    log.written(rows.slice(0, 2));
    expect(log.due(MINUTE + 180_000)).toHaveLength(1);
    log.written(log.due(MINUTE + 180_000));
    expect(log.isSettled(MINUTE + 180_000)).toBe(true);
  });

  it("writes an unfinished minute again, in full, when more happens in it", () => {
    const log = new MinuteLog("e");
    log.record("success", 1, MINUTE);
    log.written(log.due(MINUTE + 1, true));
    const again = new MinuteLog("e", structuredClone(log.dump()));
    expect(again.due(MINUTE + 60_000)).toEqual([]);
    const more = new MinuteLog("e", structuredClone(log.dump()));
    more.record("success", 1, MINUTE + 2);
    expect(more.due(MINUTE + 60_000)).toMatchObject([{ minute: MINUTE, requestsSuccess: 2 }]);
  });

  it("does not take a minute for written that changed while it was being written", () => {
    const log = new MinuteLog("e");
    log.record("success", 1, MINUTE);
    const rows = log.due(MINUTE, true);
    log.record("success", 1, MINUTE + 1);
    log.written(rows);
    expect(log.due(MINUTE + 60_000)).toMatchObject([{ requestsSuccess: 2 }]);
  });
});
