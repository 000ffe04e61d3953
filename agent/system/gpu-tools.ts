import type { GpuSample } from "../../src/kernel/system-sample.ts";

const MIB = 1_048_576;

const number = (cell: unknown): number | null => {
  const value = typeof cell === "number" ? cell : Number.parseFloat(String(cell ?? ""));
  return Number.isFinite(value) ? value : null;
};
const mebibytes = (cell: unknown): number | null => {
  const value = number(cell);
  return value === null ? null : value * MIB;
};
const named = (cell: unknown): string | null => {
  const text = String(cell ?? "").trim();
  return text === "" || /^\[?(?:N\/A|Not Supported|Unknown Error)\]?$/i.test(text)
    ? null
    : text.slice(0, 100);
};

/** A program that tells of the GPUs of one maker. */
export interface GpuTool {
  command: string;
  args: string[];
  parse(output: string): GpuSample[];
}

/**
 * `nvidia-smi --help-query-gpu`: a line per GPU, in MiB, °C and W, `[N/A]` for what a card lacks. Asked directly, since the
 * package takes an idle card's 0 % for unknown and holds the whole program up while it asks.
 */
export const nvidiaSmi: GpuTool = {
  command: "nvidia-smi",
  args: [
    "--query-gpu=name,driver_version,memory.total,memory.used,utilization.gpu,temperature.gpu,power.draw",
    "--format=csv,noheader,nounits",
  ],
  parse: (output) =>
    output
      .split("\n")
      .map((line) => line.split(",").map((cell) => cell.trim()))
      .filter((cells) => cells.length === 7)
      .map(([name, driver, total, used, utilization, temperature, power]) => ({
        name: named(name) ?? "NVIDIA GPU",
        vendor: "NVIDIA",
        driver: named(driver),
        backend: "CUDA",
        memory_total_bytes: mebibytes(total),
        memory_used_bytes: mebibytes(used),
        utilization_percent: number(utilization),
        temperature_c: number(temperature),
        power_watts: number(power),
      })),
};

/** The first of a card's fields whose name begins with one of `names`: they differ between versions of ROCm. */
const field = (card: Record<string, unknown>, ...names: string[]): unknown =>
  names
    .map((name) => Object.entries(card).find(([key]) => key.toLowerCase().startsWith(name))?.[1])
    .find((value) => value !== undefined);

/** `rocm-smi --json`: an object per card, in bytes, °C and W. */
export const rocmSmi: GpuTool = {
  command: "rocm-smi",
  args: [
    "--showproductname",
    "--showdriverversion",
    "--showmeminfo",
    "vram",
    "--showuse",
    "--showtemp",
    "--showpower",
    "--json",
  ],
  parse: (output) => {
    const cards = JSON.parse(output) as Record<string, Record<string, unknown>>;
    return Object.entries(cards)
      .filter(([key]) => /^card\d+$/.test(key))
      .map(([, card]) => ({
        name: named(field(card, "card series", "card model")) ?? "AMD GPU",
        vendor: "AMD",
        driver: named(field(cards["system"] ?? {}, "driver version")),
        backend: "ROCm",
        memory_total_bytes: number(field(card, "vram total memory")),
        memory_used_bytes: number(field(card, "vram total used memory")),
        utilization_percent: number(field(card, "gpu use")),
        temperature_c: number(field(card, "temperature (sensor edge)", "temperature (sensor junction)")),
        power_watts: number(field(card, "average graphics package power", "current socket graphics package")),
      }));
  },
};
