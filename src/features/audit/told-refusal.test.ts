import { expect, it } from "vitest";
import { isToldRefusal } from "./told-refusal.ts";

type Row = [told: boolean, method: string, path: string, status: number, code: string];
const rows: Row[] = [
  [true, "POST", "/api/auth/refresh", 401, "TOKEN_INVALID"],
  [true, "POST", "/api/v1/auth/login", 401, "INVALID_CREDENTIALS"],
  [true, "POST", "/v1/auth/signup", 409, "EMAIL_TAKEN"],
  [true, "POST", "/api/auth/login", 429, "RATE_LIMITED"],
  [true, "POST", "/api/auth/logout", 401, "TOKEN_MISSING"],
  [true, "GET", "/api/auth/verify-email", 401, "LINK_INVALID"],
  [true, "GET", "/api/auth/me", 401, "TOKEN_INVALID"],
  [true, "GET", "/api/models", 401, "TOKEN_INVALID"],
  [true, "GET", "/api/admin/users", 403, "PERMISSION_DENIED"],
  [false, "GET", "/api/auth/me", 401, "TOKEN_MISSING"],
  [false, "GET", "/api/auth/me", 401, "TOKEN_EXPIRED"],
  [false, "POST", "/api/auth/login", 422, "VALIDATION_FAILED"],
  [false, "GET", "/api/models", 401, "TOKEN_EXPIRED"],
  [false, "POST", "/api/models", 401, "TOKEN_MISSING"],
  [false, "POST", "/api/inference/predict/x", 429, "ENDPOINT_BUSY"],
  [false, "POST", "/api/models/auth/x", 409, "CONFLICT"],
];

it.each(rows)("%s: %s %s, %i %s", (told, method, path, status, code) => {
  expect(isToldRefusal({ path, isRead: method === "GET", status, code })).toBe(told);
});
