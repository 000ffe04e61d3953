import { randomUUID } from "node:crypto";
import { type Call, Client, closedLoop, inTurns, type Load, median, percentile, post } from "./load.ts";
import { type Bench, onPlatform } from "./setup.ts";
import { atLeast, atMost, ms, number, type Row, times } from "./table.ts";

const ROUNDS = 9;
const ROUND_SECONDS = 2;
// Enough that one is always hashing while the others wait for the database.
const CLIENTS = 12;
const ACCOUNTS = 24;

async function logins(bench: Bench): Promise<Row[]> {
  const accounts = Array.from({ length: ACCOUNTS }, () => ({
    email: `${randomUUID()}@example.com`,
    password: randomUUID(),
  }));
  for (const account of accounts)
    await bench.client.send(post("/api/auth/register", { ...account, name: "Bench" }));
  const calls = accounts.map((account) => post("/api/auth/login", account));
  const hash = post("/bench/hash", randomUUID());
  const load = (call: (i: number) => Call) => () =>
    closedLoop(CLIENTS, { seconds: ROUND_SECONDS }, (i) => bench.client.send(call(i)));
  const pairs = await inTurns(
    ROUNDS,
    load((i) => calls[i % ACCOUNTS]!),
    load(() => hash),
  );
  const share = median(pairs.map(([login, bare]) => login.perSecond / bare.perSecond));
  const speed = (which: 0 | 1) => median(pairs.map((pair) => pair[which].perSecond));
  return [
    { what: `bare Argon2id, c=${CLIENTS}`, measured: `${number(speed(1))} hashes/s` },
    { what: `sign-ins, c=${CLIENTS}`, measured: `${number(speed(0))} sign-ins/s` },
    { what: "sign-ins : bare Argon2id", measured: times(share), target: atLeast(share, 0.8, "×") },
  ];
}

/** A call on the warm path that comes to nothing, refused for its body when signed in and at once when not. */
async function noOp(bench: Bench): Promise<Row[]> {
  const call = post(`/api/training/runs/${randomUUID()}/metrics`, {});
  const anonymous = new Client(bench.url);
  const load = (client: Client, status: number) => () =>
    closedLoop(1, { seconds: ROUND_SECONDS }, () => client.send({ ...call, status }));
  try {
    const pairs = await inTurns(ROUNDS, load(bench.client, 422), load(anonymous, 401));
    const p50 = ({ latencies }: Load) => percentile(latencies, 0.5);
    const extra = median(pairs.map(([known, unknown]) => p50(known) - p50(unknown)));
    return [
      { what: "anonymous no-op, c=1", measured: `p50 ${ms(median(pairs.map(([, load]) => p50(load))))}` },
      { what: "authenticated no-op, c=1", measured: `p50 ${ms(median(pairs.map(([load]) => p50(load))))}` },
      {
        what: "authenticated over anonymous, warm path",
        measured: ms(extra),
        target: atMost(extra, 0.3, "ms"),
      },
    ];
  } finally {
    anonymous.close();
  }
}

/** What signing in costs beside its password hash, and what being signed in costs a call. */
export const auth = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: false }, async (bench) => [
    ...(await logins(bench)),
    ...(await noOp(bench)),
  ]);
