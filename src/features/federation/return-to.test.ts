import { expect, it } from "vitest";
import { checkReturnTo } from "./return-to.ts";

const settings = {
  publicUrl: "https://ml.example",
  allowedOrigins: new Set(["*", "https://dashboard.example"]),
};

it.each([
  [undefined, "https://ml.example/login", true],
  ["/runs?id=1#part", "https://ml.example/runs?id=1", true],
  ["https://ml.example/", "https://ml.example/", true],
  ["https://dashboard.example/in", "https://dashboard.example/in", false],
])("goes back to %s", (given, url, isOwn) => {
  expect(checkReturnTo(settings, given)).toEqual({ url, isOwn });
});

it.each([
  "https://evil.example/",
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "https://ml.example.evil.example/",
  "https://ml.example@evil.example/",
  "https://user:pass@ml.example/",
  "http://ml.example/",
  "https://dashboard.example:8443/",
  "javascript:alert(1)",
  "data:text/html,x",
  "blob:https://ml.example/x",
  "https://",
])("does not go to %s", (given) => {
  expect(() => checkReturnTo(settings, given)).toThrow("return_to");
});
