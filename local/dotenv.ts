import { Refusal } from "./refusal.ts";

/** Writes variables the way wrangler's reader (dotenv with expansion) gives them back unchanged. */
export function toDotenv(vars: Record<string, string>): string {
  return Object.entries(vars)
    .map(([name, value]) => `${name}=${quote(name, value)}\n`)
    .join("");
}

function quote(name: string, value: string): string {
  // Between double quotes "\n" would become a line break; these two kinds take everything as it is, but for "$".
  const mark = ["'", "`"].find((candidate) => !value.includes(candidate));
  if (mark === undefined)
    throw new Refusal(`${name} holds both ' and \`, which a variables file cannot carry.`);
  return `${mark}${value.replaceAll("$", "\\$")}${mark}`;
}
