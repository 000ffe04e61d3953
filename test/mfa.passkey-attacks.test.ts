import { beforeEach, describe, expect, it } from "vitest";
import { admin, newUser, query, type User } from "./support/client.ts";
import {
  addPasskey,
  auditOf,
  creationOptions,
  Device,
  finishLogin,
  finishRegistration,
  firstStep,
  requestOptions,
  WITHOUT_PIN,
} from "./support/factors.ts";
import { expectStatus } from "./support/refusal.ts";

let user: User;
let device: Device;
beforeEach(async () => {
  user = await newUser();
  device = new Device();
});

const expectRefused = async (answer: ReturnType<typeof finishLogin>) =>
  expect((await answer).body).toMatchObject({ code: "PASSKEY_REFUSED" });
const expectNotRegistered = async (answer: ReturnType<typeof finishLogin>) =>
  expect((await answer).body).toMatchObject({ code: "PASSKEY_NOT_VERIFIED" });

/** The answer with one of its parts changed, byte by byte of `part`. */
function tamper(answer: any, part: string, change: (bytes: Buffer) => void): any {
  const bytes = Buffer.from(answer.response[part], "base64url");
  change(bytes);
  return { ...answer, response: { ...answer.response, [part]: bytes.toString("base64url") } };
}
const flipLast = (bytes: Buffer) => void (bytes[bytes.length - 1]! ^= 1);
const withClientData = (answer: any, change: Record<string, unknown>): any => {
  const data = JSON.parse(Buffer.from(answer.response.clientDataJSON, "base64url").toString());
  const clientDataJSON = Buffer.from(JSON.stringify({ ...data, ...change })).toString("base64url");
  return { ...answer, response: { ...answer.response, clientDataJSON } };
};

const ELSEWHERE = "https://evil.example";

describe("WebAuthn wrong origin", () => {
  it("registers nothing", async () => {
    await expectNotRegistered(
      finishRegistration(user, device.create(await creationOptions(user), ELSEWHERE)),
    );
    expect((await user.get("/api/auth/mfa")).body.passkeys).toEqual([]);
  });

  it("signs nobody in, alone or second", async () => {
    await addPasskey(user, device);
    await expectRefused(finishLogin(device.get(await requestOptions(), ELSEWHERE)));
    const token = await firstStep(user);
    await expectRefused(finishLogin(device.get(await requestOptions(token), ELSEWHERE), token));
    const [refused] = await auditOf("mfa.refused", user.id);
    expect(refused.details.reason).toContain("origin");
  });

  it("by another port, another scheme or a name that begins alike is another origin", async () => {
    await addPasskey(user, device);
    const { origin } = device;
    for (const lookalike of [
      `${origin}1`,
      origin.replace("http:", "https:"),
      `${origin}.evil.example`,
      "null",
    ])
      await expectRefused(
        finishLogin(withClientData(device.get(await requestOptions()), { origin: lookalike })),
      );
  });

  it("is not that of a dashboard that may call the API", async () => {
    const dashboard = new Device({}, "https://dashboard.example");
    await expectStatus(
      await finishRegistration(user, dashboard.create(await creationOptions(user))),
      "an allowed origin",
      200,
    );
  });
});

describe("WebAuthn wrong relying party", () => {
  it("registers nothing and signs nobody in", async () => {
    const options = await creationOptions(user);
    const foreign = device.create({ ...options, rp: { ...options.rp, id: "evil.example" } }, ELSEWHERE);
    await expectNotRegistered(finishRegistration(user, withClientData(foreign, { origin: device.origin })));
    await addPasskey(user, device);
    const answer = device.get(await requestOptions());
    await expectRefused(finishLogin(tamper(answer, "authenticatorData", (bytes) => void (bytes[0]! ^= 1))));
  });
});

describe("WebAuthn replayed challenge", () => {
  it("registers one passkey", async () => {
    const options = await creationOptions(user);
    expectStatus(await finishRegistration(user, device.create(options)), "first", 200);
    await expectNotRegistered(finishRegistration(user, new Device().create(options)));
  });

  it("signs in once, of 12 at once too", async () => {
    await addPasskey(user, device);
    const answer = device.get(await requestOptions());
    const answers = await Promise.all(Array.from({ length: 12 }, () => finishLogin(answer)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(11).fill(401)]);
    await expectRefused(finishLogin(device.get({ ...(await requestOptions()), challenge: "AAAA" })));
  });

  it("is used up by a wrong answer", async () => {
    await addPasskey(user, device);
    const options = await requestOptions();
    await expectRefused(finishLogin(tamper(device.get(options), "signature", flipLast)));
    await expectRefused(finishLogin(device.get(options)));
  });

  it("dies after five minutes", async () => {
    await addPasskey(user, device);
    const token = await firstStep(user);
    const options = await requestOptions(token);
    await query(
      "update one_time_tokens set expires_at = now() - interval '1 second' where user_id = $1 and purpose = 'passkey-authentication'",
      [user.id],
    );
    await expectRefused(finishLogin(device.get(options), token));
  });
});

describe("WebAuthn challenge of another", () => {
  it("user registers nothing", async () => {
    const victim = await newUser();
    const options = await creationOptions(victim);
    await expectNotRegistered(finishRegistration(user, device.create(options)));
  });

  it("step, account or occasion opens nothing", async () => {
    const other = await newUser();
    const theirs = new Device();
    await Promise.all([addPasskey(user, device), addPasskey(other, theirs)]);
    const [token, second, foreign] = await Promise.all([firstStep(user), firstStep(user), firstStep(other)]);
    await expectRefused(finishLogin(device.get(await requestOptions(token)), second));
    await expectRefused(finishLogin(theirs.get(await requestOptions(foreign)), token));
    await expectRefused(finishLogin(device.get(await requestOptions()), token));
    await expectRefused(finishLogin(device.get(await requestOptions(token))));
    const { body } = await user.post("/api/auth/reauthenticate/start");
    await expectRefused(finishLogin(device.get(body)));
    expectStatus(await finishLogin(device.get(await requestOptions(token)), token), "its own", 200);
  });

  it("ceremony: a registration's answers no sign-in, and the other way round", async () => {
    await addPasskey(user, device);
    const { challenge } = await creationOptions(user);
    await expectRefused(finishLogin(device.get({ ...(await requestOptions()), challenge })));
    const options = await creationOptions(user);
    const created = new Device().create({ ...options, challenge: (await requestOptions()).challenge });
    await expectNotRegistered(finishRegistration(user, created));
  });
});

describe("WebAuthn passkey of another account", () => {
  it("is no second factor of this one", async () => {
    const other = await newUser();
    const theirs = new Device();
    await Promise.all([addPasskey(user, device), addPasskey(other, theirs)]);
    const token = await firstStep(user);
    const { allowCredentials: _, ...open } = await requestOptions(token);
    await expectRefused(finishLogin(theirs.get(open), token));
  });

  it("does not become one's own by naming another user", async () => {
    const other = await newUser();
    await Promise.all([addPasskey(user, device), addPasskey(other, new Device())]);
    const answer = device.get(await requestOptions());
    const userHandle = Buffer.from(other.id).toString("base64url");
    await expectRefused(finishLogin({ ...answer, response: { ...answer.response, userHandle } }));
    const { userHandle: _, ...nameless } = device.get(await requestOptions()).response;
    await expectRefused(finishLogin({ ...answer, response: nameless }));
  });
});

describe("WebAuthn tampered", () => {
  it("signature, data or client data is refused", async () => {
    await addPasskey(user, device);
    const raiseCounter = (bytes: Buffer) => void bytes.writeUInt32BE(4_000_000_000, 33);
    const changes: ((answer: any) => any)[] = [
      (answer) => tamper(answer, "signature", flipLast),
      (answer) => tamper(answer, "signature", (bytes) => void bytes.fill(0)),
      (answer) => tamper(answer, "authenticatorData", raiseCounter),
      (answer) => withClientData(answer, { added: true }),
      (answer) => withClientData(answer, { type: "webauthn.create" }),
      (answer) => withClientData(answer, { crossOrigin: true }),
      (answer) => ({ ...answer, response: { ...answer.response, signature: "AA" } }),
      (answer) => ({ ...answer, response: { ...answer.response, authenticatorData: "AA" } }),
      (answer) => ({ ...answer, id: "AAAA", rawId: "AAAA" }),
      (answer) => ({ ...answer, rawId: "AAAA" }),
      (answer) => ({ ...answer, response: { ...answer.response, clientDataJSON: "e30" } }),
      (answer) => ({ ...answer, response: { ...answer.response, clientDataJSON: "AAAA" } }),
    ];
    for (const change of changes)
      await expectRefused(finishLogin(change(device.get(await requestOptions()))));
    expectStatus(await finishLogin(device.get(await requestOptions())), "untouched", 200);
  });

  it("attestation is refused, and never breaks anything", async () => {
    const changes: ((answer: any) => any)[] = [
      (answer) => ({ ...answer, response: { ...answer.response, attestationObject: "AAAA" } }),
      (answer) => tamper(answer, "attestationObject", (bytes) => void bytes.fill(0xff)),
      (answer) => withClientData(answer, { type: "webauthn.get" }),
      (answer) => withClientData(answer, { crossOrigin: true }),
      (answer) => ({ ...answer, rawId: "AAAA" }),
    ];
    for (const change of changes)
      await expectNotRegistered(finishRegistration(user, change(device.create(await creationOptions(user)))));
  });
});

describe("WebAuthn missing user verification", () => {
  it("signs nobody in without a password", async () => {
    const careless = new Device(WITHOUT_PIN);
    await addPasskey(user, careless);
    const options = { ...(await requestOptions()), userVerification: "preferred" };
    await expectRefused(finishLogin(careless.get(options)));
  });

  it("cannot be claimed afterwards", async () => {
    const careless = new Device(WITHOUT_PIN);
    await addPasskey(user, careless);
    const answer = careless.get({ ...(await requestOptions()), userVerification: "preferred" });
    await expectRefused(finishLogin(tamper(answer, "authenticatorData", (bytes) => void (bytes[32]! |= 4))));
  });
});

describe("WebAuthn cloned counter", () => {
  it("is refused and written down", async () => {
    const { id } = await addPasskey(user, device);
    expectStatus(await finishLogin(device.get(await requestOptions())), "the original", 200);
    device.stopCounting();
    await expectRefused(finishLogin(device.get(await requestOptions())));
    const token = await firstStep(user);
    await expectRefused(finishLogin(device.get(await requestOptions(token)), token));
    const events = await auditOf("passkey.cloned", id);
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({ outcome: "refused", details: { counter: 1, shown: 1 } });
  });

  it("used in both places at once opens one session", async () => {
    await addPasskey(user, device);
    expectStatus(await finishLogin(device.get(await requestOptions())), "once", 200);
    const options = await Promise.all(Array.from({ length: 8 }, () => requestOptions()));
    const first = device.get(options[0]);
    device.stopCounting();
    const answers = await Promise.all(
      [first, ...options.slice(1).map((asked) => device.get(asked))].map((answer) => finishLogin(answer)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(401)]);
  });

  it("cannot go back to not counting", async () => {
    const { id } = await addPasskey(user, device);
    await query("update passkeys set counter = 5 where id = $1", [id]);
    await expectRefused(finishLogin(device.get(await requestOptions())));
    expect(
      (await (await admin()).get(`/api/admin/audit?action=passkey.cloned&target_id=${id}`)).body,
    ).toHaveLength(1);
  });
});
