import { z } from "zod";
import { AppError } from "../kernel/errors.ts";
import type { Assistant } from "../kernel/ports/assistant.ts";

export interface OllamaOptions {
  baseUrl: string;
  model: string;
  timeoutMs: number;
}

const MAX_REPLY_BYTES = 1_000_000;

const Reply = z.object({
  response: z.string(),
  model: z.string().optional(),
  eval_count: z.number().int().min(0).optional(),
});

const unavailable = (text: string) =>
  new AppError("unavailable", "ASSISTANT_UNAVAILABLE", text, { retry_after: 10 });
const upstream = (code: string, text: string) => new AppError("upstream", code, text);

/** The body's text, as far as it is not too long to be an answer. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES)
      throw upstream("ASSISTANT_REPLY_TOO_LONG", "The language model's answer does not end.");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function refusalOf(status: number, model: string): AppError {
  if (status === 404)
    return upstream("ASSISTANT_MODEL_MISSING", `The language model ${model} is not installed.`);
  if (status === 429 || status === 503)
    return unavailable("The language model has too much to do now; try again.");
  return upstream("ASSISTANT_FAILED", `The language model's server answered with status ${status}.`);
}

function parse(text: string) {
  try {
    return Reply.parse(JSON.parse(text));
  } catch {
    // Neither JSON nor what Ollama's documentation says: whichever, it is no answer.
    throw upstream(
      "ASSISTANT_REPLY_UNREADABLE",
      "The language model's server did not answer as Ollama does.",
    );
  }
}

/** A model of an Ollama server (`POST /api/generate`, https://docs.ollama.com/api/generate). */
export function createOllama({ baseUrl, model, timeoutMs }: OllamaOptions): Assistant {
  const address = `${baseUrl.replace(/\/+$/, "")}/api/generate`;
  return {
    async write({ system, prompt, maxTokens }, signal) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const options = { temperature: 0.7, top_p: 0.9, num_predict: maxTokens };
      try {
        const response = await fetch(address, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ model, prompt, system, stream: false, options }),
          signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
          redirect: "manual",
        });
        if (!response.ok) {
          await response.body?.cancel();
          throw refusalOf(response.status, model);
        }
        const reply = parse(await readText(response));
        return { text: reply.response, model: reply.model ?? model, tokens: reply.eval_count ?? null };
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (timeout.aborted)
          throw new AppError(
            "unavailable",
            "ASSISTANT_TIMEOUT",
            `The language model did not answer within ${timeoutMs} ms.`,
          );
        if (signal?.aborted) throw unavailable("Whoever asked went away.");
        throw unavailable("The language model's server cannot be reached.");
      }
    },
  };
}
