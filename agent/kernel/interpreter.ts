import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type JobUser, jobEnvironment } from "../work/environment.ts";

/** A Python that runs cells, by Jupyter's own kernel where it has that, else by a small driver on plain Python. */
export interface Interpreter {
  python: string;
  driver: "jupyter" | "plain";
  /** What people are told of it. */
  implementation: string;
}

export interface Probed extends Interpreter {
  /** Why Jupyter's kernel is there and not used. */
  trouble: string | null;
}

/** Importing is the proof: what is found may be broken. */
const PROBE = `
import json, sys
said = {"version": sys.version.split()[0], "ipykernel": None, "trouble": None}
try:
    import jupyter_client, ipykernel
    from ipykernel import kernelapp
    from jupyter_client import connect, session
    if int(ipykernel.__version__.split(".")[0]) < 6:
        said["trouble"] = "ipykernel " + ipykernel.__version__ + " is older than 6"
    else:
        said["ipykernel"] = ipykernel.__version__
except ModuleNotFoundError as error:
    if error.name not in ("jupyter_client", "ipykernel"):
        said["trouble"] = str(error)
except Exception as error:
    said["trouble"] = type(error).__name__ + ": " + str(error)
print("\\n" + json.dumps(said))`;
const PROBE_MS = 60_000;

interface Said {
  version: string;
  ipykernel: string | null;
  trouble: string | null;
}

/** Looks once what a Python has, as the user whose cells it will run. */
export async function probe(python: string, user: JobUser | undefined): Promise<Probed> {
  const options = {
    ...{ env: jobEnvironment({}, user, "/"), cwd: "/", timeout: PROBE_MS },
    ...(user && { uid: user.uid, gid: user.gid }),
  };
  const { stdout } = await promisify(execFile)(python, ["-c", PROBE], options);
  const { version, ipykernel, trouble } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Said;
  if (ipykernel === null) return { ...plain(python, version), trouble };
  return { python, driver: "jupyter", implementation: `ipykernel ${ipykernel}`, trouble };
}

export const plain = (python: string, version: string): Interpreter => ({
  python,
  driver: "plain",
  implementation: `plain python ${version}`.trim(),
});
