import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Ollama {
  url: string;
  /** The bodies of all requests. */
  asked: any[];
  /** Requests whose client went away before the answer. */
  abandoned: number;
  stop(): Promise<void>;
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

const answered = (prompt: string) =>
  `Here it is.\n\n\`\`\`js\nlet asked = ${prompt.length};\n\`\`\`\n\nDone.`;

/** How it misbehaves when the prompt says so. */
const WAYS: Record<string, (response: ServerResponse) => void> = {
  "no model": (response) => json(response, 404, { error: "model 'x' not found" }),
  broken: (response) => json(response, 500, { error: "out of memory" }),
  busy: (response) => json(response, 503, { error: "server busy" }),
  silent: () => undefined,
  "half an answer": (response) => void response.writeHead(200).write('{"response": "abc'),
  garbage: (response) => response.writeHead(200).end("<html>\u0000"),
  "another shape": (response) => json(response, 200, { response: 5 }),
  endless: (response) => {
    response.writeHead(200);
    const pour = setInterval(() => response.write("x".repeat(100_000)), 1);
    response.once("close", () => clearInterval(pour));
  },
  away: (response) => void response.socket?.destroy(),
};

/** A server that speaks Ollama's API, and misbehaves as the prompt demands (`[silent]`). */
export async function startOllama(): Promise<Ollama> {
  const state = { asked: [] as any[], abandoned: 0 };
  const server = createServer(async (request, response) => {
    if (request.url !== "/api/generate" || request.method !== "POST") return json(response, 405, {});
    const body = JSON.parse(await text(request)) as { prompt: string; model: string };
    state.asked.push(body);
    response.once("close", () => (state.abandoned += Number(!response.writableFinished)));
    const way = WAYS[/\[([\w ]+)\]/.exec(body.prompt)?.[1] ?? ""];
    if (way) return way(response);
    json(response, 200, { model: body.model, response: answered(body.prompt), done: true, eval_count: 12 });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    url,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
