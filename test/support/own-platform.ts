import { inject } from "vitest";
import { type Platform, type PlatformOptions, startPlatform } from "../../local/platform.ts";

type Own = Pick<PlatformOptions, "dataDir" | "env"> & { port?: number };

/** A platform of one test file's own, with settings the common one has not. It serves no models and has no agent. */
export const startOwnPlatform = ({ port = 0, ...own }: Own): Promise<Platform> =>
  startPlatform({ ...own, port, agent: false, workerDir: inject("workerWithoutEngine") });
