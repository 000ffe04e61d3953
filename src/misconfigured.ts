import { MisconfiguredError } from "./config.ts";
import { requestIdOf } from "./http/gates.ts";
import { createLog } from "./kernel/log.ts";

/** Answers for a Worker whose settings are wrong: the log says which, the answer does not. */
export function answerMisconfigured(error: unknown, request: Request): Response {
  if (!(error instanceof MisconfiguredError)) throw error;
  const requestId = requestIdOf(request);
  createLog("error")("error", "misconfigured", { request_id: requestId, reason: error.message });
  const body = {
    error: "This deployment's settings are wrong; its log says which.",
    code: "MISCONFIGURED",
    request_id: requestId,
  };
  return Response.json(body, { status: 500, headers: { "x-request-id": requestId } });
}
