import { expect, it } from "vitest";
import { GpuSample } from "../../src/kernel/system-sample.ts";
import { nvidiaSmi, rocmSmi } from "./gpu-tools.ts";

const NOTHING = {
  memory_used_bytes: null,
  utilization_percent: null,
  temperature_c: null,
  power_watts: null,
};

it("reads nvidia-smi, where an idle card is 0 % and what a card lacks is unknown", () => {
  const gpus = nvidiaSmi.parse(
    "NVIDIA A100-SXM4-80GB, 535.104.05, 81920, 1024, 0, 31, 61.52\nTesla K80, 470.1, 11441, [N/A], [Not Supported], [N/A], [N/A]\n",
  );
  expect(gpus).toEqual([
    {
      name: "NVIDIA A100-SXM4-80GB",
      vendor: "NVIDIA",
      driver: "535.104.05",
      backend: "CUDA",
      memory_total_bytes: 81_920 * 1_048_576,
      memory_used_bytes: 1_073_741_824,
      utilization_percent: 0,
      temperature_c: 31,
      power_watts: 61.52,
    },
    {
      name: "Tesla K80",
      vendor: "NVIDIA",
      driver: "470.1",
      backend: "CUDA",
      memory_total_bytes: 11_441 * 1_048_576,
      ...NOTHING,
    },
  ]);
  for (const gpu of gpus) GpuSample.parse(gpu);
  expect(nvidiaSmi.parse("No devices were found\n")).toEqual([]);
});

it("reads rocm-smi", () => {
  const output = JSON.stringify({
    card0: {
      "Temperature (Sensor edge) (C)": "35.0",
      "Average Graphics Package Power (W)": "9.0",
      "GPU use (%)": "0",
      "VRAM Total Memory (B)": "17163091968",
      "VRAM Total Used Memory (B)": "23543808",
      "Card Series": "AMD Radeon RX 6900 XT",
    },
    card1: { "Card model": "0x73bf" },
    system: { "Driver version": "6.2.4" },
  });
  const gpus = rocmSmi.parse(output);
  expect(gpus).toEqual([
    {
      name: "AMD Radeon RX 6900 XT",
      vendor: "AMD",
      driver: "6.2.4",
      backend: "ROCm",
      memory_total_bytes: 17_163_091_968,
      memory_used_bytes: 23_543_808,
      utilization_percent: 0,
      temperature_c: 35,
      power_watts: 9,
    },
    {
      name: "0x73bf",
      vendor: "AMD",
      driver: "6.2.4",
      backend: "ROCm",
      memory_total_bytes: null,
      ...NOTHING,
    },
  ]);
  for (const gpu of gpus) GpuSample.parse(gpu);
  expect(rocmSmi.parse("{}")).toEqual([]);
});
