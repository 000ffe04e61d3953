import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { newRun, newUser, query, type User } from "./support/client.ts";
import { fileForm } from "./support/holdings.ts";

const COUNT = 27;

interface Listing {
  path: string;
  table: string;
  create(user: User): Promise<unknown>;
}

const LISTINGS: Listing[] = [
  {
    path: "/api/models",
    table: "models",
    create: (user) => user.post("/api/models", { name: randomUUID(), model_type: "x" }),
  },
  {
    path: "/api/datasets",
    table: "datasets",
    create: (user) => user.post("/api/datasets", fileForm({ name: "d" }, "a\n1\n", "d.csv")),
  },
  { path: "/api/training/runs", table: "runs", create: newRun },
  {
    path: "/api/agents",
    table: "agents",
    create: (user) => user.post("/api/agents", { name: randomUUID() }),
  },
];

/** The pages of a list, following `Link` to the end. */
async function pages(user: User, start: string, between?: () => Promise<unknown>): Promise<any[][]> {
  const found: any[][] = [];
  for (let path: string | undefined = start; path !== undefined;) {
    const { status, body, headers }: { status: number; body: any; headers: Headers } = await user.get(path);
    expect(status).toBe(200);
    found.push(body);
    path = /^<([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    if (path) await between?.();
  }
  return found;
}

const fill = (user: User, { create }: Listing) =>
  Promise.all(Array.from({ length: COUNT }, () => create(user)));
const ids = (list: any[]): string[] => list.map(({ id }) => id);

describe.each(LISTINGS)("$path", (listing) => {
  const { path, table, create } = listing;
  let owner: User;
  beforeAll(async () => {
    owner = await newUser();
    await fill(owner, listing);
  });

  it("gives everything once and newest first, page by page", async () => {
    const whole = (await owner.get(path)).body;
    expect(whole).toHaveLength(COUNT);
    const times = whole.map((item: any) => item.created_at);
    expect(times).toEqual(times.toSorted().reverse());
    const found = await pages(owner, `${path}?limit=10`);
    expect(found.map((page) => page.length)).toEqual([10, 10, 7]);
    expect(found.flat()).toEqual(whole);
  });

  it("neither loses nor repeats what was made in the same millisecond", async () => {
    await query(`update ${table} set created_at = '2026-01-02T03:04:05.678Z' where owner_id = $1`, [
      owner.id,
    ]);
    const found = ids((await pages(owner, `${path}?limit=4`)).flat());
    expect([found.length, new Set(found).size]).toEqual([COUNT, COUNT]);
  });

  it("shows nothing twice and loses nothing while more is made", async () => {
    const before = ids((await owner.get(path)).body);
    expect(ids((await pages(owner, `${path}?limit=9`, () => create(owner))).flat())).toEqual(before);
  });

  it("has no next page after a page that is exactly full", async () => {
    const user = await newUser();
    await Promise.all([create(user), create(user), create(user)]);
    expect((await pages(user, `${path}?limit=3`)).map((page) => page.length)).toEqual([3]);
  });

  it("is one's own, whatever cursor one sends", async () => {
    const other = await newUser();
    const { headers } = await owner.get(`${path}?limit=5`);
    const next = /^<([^>]+)>/.exec(headers.get("link")!)![1]!;
    expect((await other.get(next)).body).toEqual([]);
  });

  it("keeps the other queries in the link to the next page", async () => {
    const { headers } = await owner.get(`${path}?limit=1&unknown=1`);
    expect(headers.get("link")).toMatch(/^<\/api\/[^>]*limit=1&unknown=1&cursor=[\w-]+>; rel="next"$/);
  });

  it.each(["x", "", "AAAA", btoa("2026-01-02T03:04:05.678Z|1"), btoa("|"), "%F0%9F%A7%A0", "a".repeat(201)])(
    "refuses the cursor %j, which it did not give out",
    async (cursor) => {
      expect((await owner.get(`${path}?cursor=${cursor}`)).status).toBe(422);
    },
  );
});

it("pages through versions by their numbers", async () => {
  const user = await newUser();
  const { body } = await user.post("/api/models", { name: "m", model_type: "x" });
  const path = `/api/models/${body.id}/versions`;
  const upload = () =>
    user.put(path, new Uint8Array([1]), { headers: { "content-type": "application/octet-stream" } });
  await Promise.all(Array.from({ length: 26 }, upload));
  const found = (await pages(user, `${path}?limit=10`)).flat().map(({ version }) => version);
  expect(found).toEqual(Array.from({ length: 26 }, (_, i) => 26 - i));
});
