import { expect, it } from "vitest";
import { auditEventOf } from "./audit-event.ts";

const asked = {
  actor: { kind: "anonymous", reason: "TOKEN_MISSING" } as const,
  requestId: "request-1",
  client: { ip: null, network: "unknown", userAgent: null },
  now: new Date(0),
};

it("holds no text that would stop the trail", () => {
  const details = { reason: "a\0b\ud800", list: ["\udc00", 1, null], deep: { "\0": "😀" } };
  expect(auditEventOf({ action: "user.suspended", details }, asked).details).toEqual({
    reason: "a\uFFFDb\uFFFD",
    list: ["\uFFFD", 1, null],
    deep: { "\uFFFD": "😀" },
  });
});
