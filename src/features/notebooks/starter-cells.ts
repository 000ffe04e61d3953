import type { KernelName } from "../../kernel/ports/kernels.ts";

interface Starter {
  cell_type: "markdown" | "code";
  source: string;
}

const intro = (text: string): Starter => ({ cell_type: "markdown", source: text });

/** What an empty notebook begins with: something that runs in its kernel. */
export const STARTERS: Record<KernelName, readonly Starter[]> = {
  javascript: [
    intro("# New notebook\n\nCells are JavaScript; what they declare stays until the kernel is restarted."),
    {
      cell_type: "code",
      source: "const numbers = [1, 2, 3, 4];\nnumbers.reduce((sum, n) => sum + n, 0) / numbers.length",
    },
  ],
  python: [
    intro(
      "# New notebook\n\nCells are Python and run on an agent; what they define stays until the kernel is restarted.",
    ),
    { cell_type: "code", source: "import statistics\n\nstatistics.mean([1, 2, 3, 4])" },
  ],
};
