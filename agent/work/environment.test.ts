import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { loginOf } from "./environment.ts";
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

it.skipIf(process.platform === "win32")("starts shells at the root where a user's home is not there", () => {
  const nobody = { name: "nobody", uid: 65_534, gid: 65_534 };
  const { home, shell } = loginOf(nobody);
  expect(existsSync(home)).toBe(true);
  expect(shell).toMatch(/^\//);
});
