/** At most `limit` uses within `windowSeconds`. */
export interface LimitRule {
  limit: number;
  windowSeconds: number;
}

export interface LimitReply {
  allowed: boolean;
  limit: number;
  /** How many more uses would be allowed right now. */
  remaining: number;
  /** Seconds, at least one, after which a refused key may try again. */
  resetSeconds: number;
}

/** Counts uses by key in a sliding window; refused uses do not count. */
export interface Limiter {
  /** `uses` (default 1) are allowed together or not at all. */
  take(key: string, rule: LimitRule, uses?: number): Promise<LimitReply>;
}
