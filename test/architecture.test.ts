import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, it } from "vitest";

const FLOORS = ["db", "kernel", "adapters", "http", "features"] as const;
type Floor = (typeof FLOORS)[number];

/** What a floor may import besides itself; types of the table rows may go anywhere. */
const MAY_IMPORT: Record<Floor, readonly Floor[]> = {
  db: [],
  kernel: [],
  adapters: ["kernel"],
  http: ["kernel"],
  features: ["kernel"],
};

const files = (folder: string, pattern = /\.ts$/) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => pattern.test(file) && !file.endsWith(".test.ts") && !file.endsWith(".d.ts"))
    .map((file) => join(folder, file));

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

/** Imports of our own files, resolved to paths from the root. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from "([^"]+)"/gm)].flatMap(
    ([, type, target]) => {
      if (target!.startsWith("#"))
        return [{ from: file, to: `src/${target!.slice(1)}.ts`, typeOnly: Boolean(type) }];
      if (!target!.startsWith(".")) return [];
      const to = relative(".", resolve(dirname(file), target!));
      return [{ from: file, to, typeOnly: Boolean(type) }];
    },
  );
}

const floorOf = (path: string): Floor | undefined => FLOORS.find((floor) => path.startsWith(`src/${floor}/`));
const featureOf = (path: string) => path.split("/")[2];
const all = files("src").flatMap(importsOf);
const show = ({ from, to }: Import) => `${from} → ${to}`;

it("imports only from floors below", () => {
  expect(all.length).toBeGreaterThan(300);
  const wrong = all.filter(({ from, to, typeOnly }) => {
    const [here, there] = [floorOf(from), floorOf(to)];
    if (!here || !there || here === there || MAY_IMPORT[here].includes(there)) return false;
    if (there === "db") return !(typeOnly || here === "adapters" || from.endsWith(".repo.ts"));
    if (here === "features" && there === "http")
      return !/\.(routes|schema|object)\.ts$|authenticate\.ts$|-gate\.ts$|index\.ts$|pages\.ts$/.test(from);
    return true;
  });
  expect(wrong.map(show)).toEqual([]);
});

it("lets features see each other only through their faces", () => {
  const wrong = all.filter(
    ({ from, to }) =>
      floorOf(from) === "features" &&
      floorOf(to) === "features" &&
      featureOf(from) !== featureOf(to) &&
      !to.endsWith("/index.ts"),
  );
  expect(wrong.map(show)).toEqual([]);
});

it("gives every feature a face that says what it owns", () => {
  for (const name of readdirSync("src/features")) {
    expect([name, readFileSync(`src/features/${name}/index.ts`, "utf8")]).toEqual([
      name,
      expect.stringMatching(/^\/\*\*\n \* /),
    ]);
  }
});

const OURS = ["src", "agent", "local", "trainer", "bench", "test"];

it("keeps files small and names them for what they hold", () => {
  const sizes = OURS.flatMap((folder) => files(folder)).map((file) => ({
    file,
    lines: readFileSync(file, "utf8").split("\n").length,
  }));
  const long = sizes.filter(
    ({ file, lines }) => lines > 320 && !file.endsWith(".data.ts") && !file.startsWith("test/"),
  );
  expect(long).toEqual([]);
  expect(sizes.filter(({ file }) => /(^|[/.-])(utils?|helpers?|common|types|misc)\.ts$/.test(file))).toEqual(
    [],
  );
  const ordered = sizes.map(({ lines }) => lines).toSorted((a, b) => a - b);
  expect(ordered[Math.floor(ordered.length / 2)]).toBeLessThanOrEqual(90);
});
