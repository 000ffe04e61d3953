import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import type * as schema from "./schema.ts";

/** Postgres over Neon's HTTP protocol: one statement or one atomic batch a round trip. */
export type Db = NeonHttpDatabase<typeof schema>;
