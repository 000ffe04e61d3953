import type { Context } from "hono";
import type { Ctx } from "../kernel/ctx.ts";
import type { Log } from "../kernel/log.ts";

/** What the gates put on a request for the handlers. */
export interface AppEnv {
  Variables: {
    ctx: Ctx;
    requestId: string;
    log: Log;
    /** The code of the error the request was answered with. */
    refusal?: string;
  };
}

export type AppContext = Context<AppEnv>;
