import { expect, it } from "vitest";
import { agentRefused } from "./system.errors.ts";

it("knows the codes of agents, and takes no other word for one of them", () => {
  expect(agentRefused({ code: "BENCHMARK_BUSY", message: "m" })).toMatchObject({ kind: "conflict" });
  for (const code of ["constructor", "toString", "__proto__", "NO_SUCH_CODE"])
    expect(agentRefused({ code, message: "m" })).toMatchObject({ kind: "upstream", code: "AGENT_FAILED" });
});
