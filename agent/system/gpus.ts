import { execFile } from "node:child_process";
import { promisify } from "node:util";
import si from "systeminformation";
import type { GpuSample } from "../../src/kernel/system-sample.ts";
import { type GpuTool, nvidiaSmi, rocmSmi } from "./gpu-tools.ts";

const run = promisify(execFile);
const TOOLS = [nvidiaSmi, rocmSmi];
const ASK_MS = 4_000;

/** What a tool says; nothing where it is missing, or finds no card. */
async function ask({ command, args, parse }: GpuTool): Promise<GpuSample[]> {
  try {
    const { stdout } = await run(command, args, { timeout: ASK_MS, windowsHide: true });
    return parse(stdout);
  } catch {
    // Not there, no driver, no card, or not in its right mind: in each case nobody tells.
    return [];
  }
}

// A virtual machine's display adapter computes nothing.
const MAKERS = /nvidia|advanced micro devices|\bamd\b|\bati\b|intel|apple|qualcomm/i;

/** GPUs the host lists but no tool of theirs tells of. */
async function readListed(): Promise<GpuSample[]> {
  const { controllers } = await si.graphics();
  return controllers
    .filter(({ vendor, model }) => MAKERS.test(`${vendor} ${model}`))
    .map(({ vendor, model, vram, vramDynamic, driverVersion }) => ({
      name: model.slice(0, 200) || vendor,
      vendor: vendor.slice(0, 100) || null,
      driver: driverVersion?.slice(0, 100) || null,
      backend: null,
      memory_total_bytes: vram && !vramDynamic ? vram * 1_048_576 : null,
      memory_used_bytes: null,
      utilization_percent: null,
      temperature_c: null,
      power_watts: null,
    }));
}

/** The GPUs of this host. Which tools there are is found out once; without any, so is the list. */
export class Gpus {
  #tools: GpuTool[] | undefined;
  #listed: GpuSample[] = [];

  async read(): Promise<GpuSample[]> {
    if (this.#tools) return this.#tools.length > 0 ? this.#ask(this.#tools) : this.#listed;
    const answers = await Promise.all(TOOLS.map(ask));
    this.#tools = TOOLS.filter((_, i) => answers[i]!.length > 0);
    const found = answers.flat();
    if (found.length === 0) this.#listed = await readListed();
    return found.length > 0 ? found : this.#listed;
  }

  async #ask(tools: GpuTool[]): Promise<GpuSample[]> {
    return (await Promise.all(tools.map(ask))).flat();
  }
}
