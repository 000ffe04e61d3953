type Async<T> = { [K in keyof T]: (...args: never[]) => Promise<unknown> };

/**
 * Stands in for something with asynchronous methods only that is not there yet: each call waits for it first. For those
 * who need their ports at once, while the ports need secrets that have to be fetched.
 */
export function deferred<T extends Async<T>>(get: () => Promise<T>): T {
  return new Proxy({} as T, {
    get(_, name) {
      // Or it would pass for a promise wherever it is awaited.
      if (typeof name === "symbol" || name === "then") return undefined;
      return async (...args: never[]) => (await get())[name as keyof T](...args);
    },
  });
}
