import { expect, it } from "vitest";
import { readDriverEvent } from "./driver-event.ts";

it("leaves out a form whose name no media type has, and keeps the others", () => {
  const data = { "text/plain": "x", ["k".repeat(201)]: "y", ["k".repeat(200)]: "z" };
  const line = { id: "c", type: "display", data, metadata: {} };
  expect(readDriverEvent(line)).toEqual({
    ...{ kind: "said", id: "c" },
    event: { type: "display", data: { "text/plain": "x", ["k".repeat(200)]: "z" }, metadata: {} },
  });
});
