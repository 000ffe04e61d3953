/** When this isolate was last asked for something, in epoch milliseconds: whoever uses its one thread at length minds that. */
export const activity = { askedAt: 0 };
