import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ProcessReport } from "../../src/kernel/system-sample.ts";
import { ProcessWatch } from "./process-watch.ts";

it("lists what runs here, by how busy it is, and says for how long it has", async () => {
  const child = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  try {
    await sleep(2_000);
    const watch = new ProcessWatch();
    const [report, same] = await Promise.all([watch.report(), watch.report()]);
    expect(same).toBe(report);
    expect(ProcessReport.parse(report)).toEqual(report);
    const { processes, total } = report;
    expect(total).toBeGreaterThanOrEqual(processes.length);
    const self = processes.find(({ pid }) => pid === process.pid)!;
    expect(self.memory_bytes / process.memoryUsage().rss).toBeGreaterThan(0.5);
    expect(Math.abs(self.runtime_seconds - process.uptime())).toBeLessThan(5);
    const toiler = processes.find(({ pid }) => pid === child.pid)!;
    expect(toiler.cpu_percent).toBeGreaterThan(5);
    expect(toiler.runtime_seconds).toBeGreaterThanOrEqual(2);
    expect(toiler.runtime_seconds).toBeLessThan(15);
    const loads = processes.map(({ cpu_percent }) => cpu_percent);
    expect(loads).toEqual(loads.toSorted((a, b) => b - a));
  } finally {
    child.kill("SIGKILL");
  }
});
