/** What of a model's answer is code, and what explains it. */
export interface Suggestion {
  suggestion: string;
  explanation: string | null;
}

const FENCE = /^\s*(`{3,}|~{3,})/;

/**
 * Parts an answer: what stands in fences is the suggestion, the rest explains it. A fence left open is code to the end;
 * without any fence all is code.
 */
export function partFenced(answer: string): Suggestion {
  const code: string[][] = [];
  const prose: string[] = [];
  let open: string | undefined;
  for (const line of answer.split("\n")) {
    const fence = FENCE.exec(line)?.[1];
    if (open === undefined && fence !== undefined) {
      open = fence;
      code.push([]);
    } else if (open !== undefined && fence?.startsWith(open) && line.trim() === fence) open = undefined;
    else if (open === undefined) prose.push(line);
    else code.at(-1)!.push(line);
  }
  if (code.length === 0) return { suggestion: answer.trim(), explanation: null };
  const explanation = prose.join("\n").trim();
  return {
    suggestion: code.map((lines) => lines.join("\n").trimEnd()).join("\n\n"),
    explanation: explanation === "" ? null : explanation,
  };
}
