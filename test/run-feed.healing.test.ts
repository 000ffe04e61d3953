import { inject, expect, it } from "vitest";
import { newRun, newUser, query, until, type User } from "./support/client.ts";
import { Watcher } from "./support/watcher.ts";

const point = (step: number) => ({ epoch: 0, step, loss: step });
const append = (user: User, run: string, step: number) =>
  user.post(`/api/training/runs/${run}/metrics`, point(step));

/** Appends until the feed refuses. */
const refusal = (user: User, run: string) => {
  let step = 100;
  return until(
    () => append(user, run, step++),
    ({ status }) => status !== 201,
    { withinMs: 5_000, everyMs: 200 },
  );
};

it("learns within seconds of writing that its run ended in the database, and tells its watchers", async () => {
  const user = await newUser();
  const run = await newRun(user);
  await append(user, run, 1);
  const path = `/api/training/runs/${run}/stream`;
  const watcher = await Watcher.open(inject("url"), path, { token: user.accessToken });
  await query("update runs set status = 'completed', completed_at = now() where id = $1", [run]);
  const { status, body } = await refusal(user, run);
  expect([status, body.code]).toEqual([409, "RUN_FINISHED"]);
  await watcher.until((w) => w.closed !== undefined);
  expect(watcher.frames.at(-1)).toMatchObject({ type: "status", data: { status: "completed" } });
  expect(watcher.closed!.code).toBe(1000);
});

it("ends with its run when that was deleted from the database", async () => {
  const user = await newUser();
  const run = await newRun(user);
  await append(user, run, 1);
  const path = `/api/training/runs/${run}/stream`;
  const watcher = await Watcher.open(inject("url"), path, { token: user.accessToken });
  await query("delete from runs where id = $1", [run]);
  const { status, body } = await refusal(user, run);
  expect([status, body.code]).toEqual([404, "RUN_NOT_FOUND"]);
  await watcher.until((w) => w.closed !== undefined);
});

it("shows a run's last figures as soon as it shows its end", async () => {
  const user = await newUser();
  const runs = await Promise.all(Array.from({ length: 10 }, () => newRun(user)));
  await Promise.all(
    runs.map(async (run) => {
      await append(user, run, 7);
      const writing = Array.from({ length: 10 }, (_, i) => append(user, run, 8 + i));
      const completed = await user.post(`/api/training/runs/${run}/complete`, { success: true });
      const answers = await Promise.all(writing);
      const last = answers.findLastIndex(({ status }) => status === 201) + 8;
      expect(completed.body.latest_metrics).toMatchObject({ step: last, loss: last });
      expect((await user.get(`/api/training/runs/${run}`)).body.latest_metrics).toMatchObject({ step: last });
    }),
  );
});

it("ends a run once when it is ended in two ways at once", async () => {
  const user = await newUser();
  for (let round = 0; round < 5; round++) {
    const run = `/api/training/runs/${await newRun(user)}`;
    const answers = await Promise.all([
      user.post(`${run}/stop`),
      user.post(`${run}/complete`, { success: true }),
      user.post(`${run}/complete`, { success: false }),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    const winner = answers.find(({ status }) => status === 200)!.body.status;
    expect((await user.get(run)).body.status).toBe(winner);
  }
});

it("answers 204 once and 404 to the others when a run is deleted several times at once", async () => {
  const user = await newUser();
  const run = await newRun(user);
  await append(user, run, 1);
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => user.delete(`/api/training/runs/${run}`)),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 404, 404, 404]);
  expect((await append(user, run, 2)).status).toBe(404);
});
