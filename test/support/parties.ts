import { inject } from "vitest";
import { admin, type Answer, Client, newUser, type User } from "./client.ts";
import { addressOf, isForAdmins, isForAgents, isPublic, type Operation, validBody } from "./contract.ts";
import { type Holdings, holdingsOf } from "./holdings.ts";

/** Which of the owner's things an address is about, as far as that is known; any other address gets a model's id. */
const KINDS: [prefix: string, kind: keyof Parties["ids"]][] = [
  ["/api/admin/users/", "user"],
  ["/api/tokens/", "token"],
  ["/api/datasets/", "dataset"],
  ["/api/training/", "run"],
  ["/api/agents/", "agent"],
  ["/api/notebooks/", "notebook"],
  ["/api/inference/endpoints/", "endpoint"],
];

/** Somebody who owns one of everything, somebody else, an agent of each, and an administrator with an account to try. */
export class Parties {
  readonly owner: User;
  readonly other: User;
  readonly agent: Client;
  readonly otherAgent: Client;
  readonly admin: User;
  readonly ids: Holdings & { user: string };
  /** What the owner's things are called in addresses, but for `id`. */
  readonly own: Record<string, string>;

  private constructor(
    [owner, other, admin]: [User, User, User],
    tokens: [string, string],
    ids: Parties["ids"],
    endpointName: string,
  ) {
    [this.owner, this.other, this.admin, this.ids] = [owner, other, admin, ids];
    this.agent = new Client(inject("url"), { "x-ic-token": tokens[0] });
    this.otherAgent = new Client(inject("url"), { "x-ic-token": tokens[1] });
    this.own = { name: endpointName, version: "1", alias: "champion", upload_id: ids.upload, number: "1" };
  }

  static async meet(): Promise<Parties> {
    const [owner, other, subject, chief] = await Promise.all([newUser(), newUser(), newUser(), admin()]);
    const { ids, endpointName, agentToken } = await holdingsOf(owner);
    const { token } = (await other.post("/api/agents", { name: "a" })).body;
    // An account that owns something is not deleted by the way.
    await subject.post("/api/agents", { name: "a" });
    return new Parties(
      [owner, other, chief],
      [agentToken, token],
      { ...ids, user: subject.id },
      endpointName,
    );
  }

  /** The id of the owner's thing that an operation is about. */
  idFor({ path }: Operation): string {
    return this.ids[KINDS.find(([prefix]) => path.startsWith(prefix))?.[1] ?? "model"];
  }

  /** Who of the owner's side, or else of the house, may call it. */
  callerOf(operation: Operation): Client {
    if (isPublic(operation)) return new Client(inject("url"));
    if (isForAdmins(operation)) return this.admin;
    return isForAgents(operation) ? this.agent : this.owner;
  }
}

/** Calls an operation as its contract wants it. */
export function send(
  client: Client,
  operation: Operation,
  values: Record<string, string> = {},
): Promise<Answer> {
  const { body, headers = {} } = validBody(operation);
  return client.call(operation.method, addressOf(operation, values), body, { headers });
}

/** Rows for `it.each`: an operation after its name. */
export const each = (operations: Operation[]): [string, Operation][] =>
  operations.map((operation) => [operation.name, operation]);
