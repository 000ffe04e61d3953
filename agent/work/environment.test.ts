import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { isInstalled } from "#test/programs";

const isRoot = process.getuid?.() === 0;

it.skipIf(!isRoot || !isInstalled("setpriv"))(
  "gives up the agent's groups when work is somebody else's",
  () => {
    const program = `
    import { findUser } from ${JSON.stringify(new URL("environment.ts", import.meta.url).href)};
    findUser("daemon");
    console.log(process.getgroups().join());`;
    const args = ["--groups", "4,27", process.execPath, "--input-type=module", "-e", program];
    // Its effective group is named with them.
    expect(execFileSync("setpriv", args, { encoding: "utf8" }).trim()).toBe(String(process.getegid!()));
  },
);
