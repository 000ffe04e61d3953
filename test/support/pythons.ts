import { spawnSync } from "node:child_process";

/** Where a Python may be: one that somebody has put first in the path need not have what the system's has. */
const PLACES = [process.env["MYELIN_TEST_PYTHON"], "python3", "/usr/bin/python3"];

/** The path of a Python that has all of these modules. */
export function findPython(...modules: string[]): string | undefined {
  const program = `import sys${modules.map((name) => `, ${name}`).join("")}\nassert sys.version_info >= (3, 8)\nprint(sys.executable)`;
  for (const place of PLACES) {
    const { status, stdout } = place ? spawnSync(place, ["-c", program], { encoding: "utf8" }) : {};
    if (status === 0) return stdout!.trim();
  }
  return undefined;
}
