/** The API as the demonstration uses it: JSON in, JSON out, anything but success is an error. */
export class DemoApi {
  readonly url: string;
  #token = "";

  constructor(url: string) {
    this.url = url;
  }

  get token(): string {
    return this.#token;
  }

  set token(token: string) {
    this.#token = token;
  }

  async call<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    const headers = {
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${this.url}${path}`, { method, headers, ...sent });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}
