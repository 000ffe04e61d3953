import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { admin, anonymous, newUser, query, signIn } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

describe("one's sessions", () => {
  it("are listed with how, from where and until when, newest first", async () => {
    const user = await newUser();
    const second = await signIn(user.email, user.password);
    const { status, body } = await second.get("/api/auth/sessions");
    expect(status).toBe(200);
    expect(body.map(({ current }: { current: boolean }) => current)).toEqual([true, false]);
    expect(body[0]).toMatchObject({ methods: ["password"], user_agent: expect.any(String) });
    const [idle, most] = [body[0].expires_at, body[0].max_expires_at].map(
      (at) => Date.parse(at) - Date.now(),
    );
    expect([Math.round(idle! / 86_400_000), Math.round(most! / 86_400_000)]).toEqual([30, 90]);
  });

  it("end one by one, or all the others at once", async () => {
    const user = await newUser();
    const others = [await signIn(user.email, user.password), await signIn(user.email, user.password)];
    const listed = (await others[0]!.get("/api/auth/sessions")).body;
    const own = listed.find(({ current }: { current: boolean }) => current);
    expectStatus(await user.delete(`/api/auth/sessions/${own.id}`), "one", 204);
    expectStatus(await others[0]!.get("/api/auth/me"), "the one ended", 401);
    expectStatus(await user.delete(`/api/auth/sessions/${own.id}`), "again", 404);
    expect((await user.delete("/api/auth/sessions")).body).toEqual({ ended: 1 });
    expectStatus(await others[1]!.get("/api/auth/me"), "another", 401);
    expectStatus(
      await anonymous().post("/api/auth/refresh", { refresh_token: others[1]!.refreshToken }),
      "its refresh",
      401,
    );
    expectStatus(await user.get("/api/auth/me"), "this one", 200);
  });

  it("are nobody else's to see or end, but an administrator's", async () => {
    const [user, stranger] = [await newUser(), await newUser()];
    const [{ id }] = (await user.get("/api/auth/sessions")).body;
    expectStatus(await stranger.delete(`/api/auth/sessions/${id}`), "a stranger", 404);
    expectStatus(await stranger.get(`/api/admin/users/${user.id}/sessions`), "a stranger's list", 403);
    expectStatus(await stranger.delete(`/api/admin/users/${user.id}/sessions`), "a stranger's end", 403);
    const root = await admin();
    expect((await root.get(`/api/admin/users/${user.id}/sessions`)).body).toHaveLength(1);
    expect((await root.delete(`/api/admin/users/${user.id}/sessions`)).body).toEqual({ ended: 1 });
    expectStatus(await user.get("/api/auth/me"), "ended by an administrator", 401);
  });

  it("end at their absolute limit, however often they were refreshed", async () => {
    const user = await newUser();
    await query("update sessions set max_expires_at = now() where user_id = $1", [user.id]);
    expect((await user.get("/api/auth/me")).body.code).toBe("SESSION_ENDED");
    expectStatus(
      await anonymous().post("/api/auth/refresh", { refresh_token: user.refreshToken }),
      "refresh",
      401,
    );
  });

  it("of a suspended account are dead at once, whatever they carry", async () => {
    const user = await newUser();
    await query("update users set suspended_at = now() where id = $1", [user.id]);
    expect((await user.get("/api/auth/me")).body.code).toBe("SESSION_ENDED");
    expectStatus(
      await anonymous().post("/api/auth/refresh", { refresh_token: user.refreshToken }),
      "refresh",
      401,
    );
    const login = { email: user.email, password: user.password };
    expect((await anonymous().post("/api/auth/login", login)).body.code).toBe("ACCOUNT_SUSPENDED");
  });

  it("that do not exist are not found", async () => {
    expectStatus(await (await newUser()).delete(`/api/auth/sessions/${randomUUID()}`), "none", 404);
  });
});
