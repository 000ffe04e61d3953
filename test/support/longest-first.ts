import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, the longest first; whether they compute or wait makes no difference. */
const LONGEST = [
  "test/notebooks.python.test.ts",
  "test/contract.test.ts",
  "test/notebooks.away.test.ts",
  "test/command-runs.test.ts",
  "test/acceptance/command.kill.test.ts",
  "test/notebooks.test.ts",
  "test/terminal-endings.test.ts",
  "test/terminal.test.ts",
  "agent/kernel/python-kernel.test.ts",
  "test/terminal-recordings.test.ts",
  "test/acceptance/kill.test.ts",
  "test/contract.hostile.test.ts",
  "test/leases.test.ts",
  "test/acceptance/run-end.kill.test.ts",
  "agent/work/process-group.test.ts",
  "test/notebook-crash.test.ts",
  "trainer/regime.test.ts",
  "src/adapters/blobs.conformance.test.ts",
  "test/ldap.test.ts",
  "test/oidc.test.ts",
  "local/start.kill.test.ts",
  "test/tokens.test.ts",
  "test/agent-link.test.ts",
  "test/admin-users.test.ts",
  "test/mfa.totp.test.ts",
  "test/ic-tokens.test.ts",
  "src/adapters/limiter.conformance.test.ts",
  "test/queue.test.ts",
  "test/auth.test.ts",
  "test/audit.test.ts",
  "test/files.test.ts",
  "test/mfa.required.test.ts",
  "trainer/main.test.ts",
  "test/s3-store.test.ts",
  "test/rate-limits.test.ts",
  "src/adapters/quickjs.workerd.test.ts",
];

const rank = (file: string): number => {
  const found = LONGEST.indexOf(file);
  return found < 0 ? LONGEST.length : found;
};

/**
 * One queue for all projects: begun last, a long file would run alone while the other workers have nothing left to do.
 * Files that share a process come at the end, next to each other, as they must to share it.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => rank(relative(this.ctx.config.root, moduleId));
    const shared = ({ project }: TestSpecification) => Number(!project.config.isolate);
    const rest = await super.sort(files);
    return rest.toSorted((a, b) => shared(a) - shared(b) || rankOf(a) - rankOf(b));
  }
}
