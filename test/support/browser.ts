/** A browser as far as signing in needs one: cookies by origin, redirects followed, every address remembered. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly visited: string[] = [];

  cookies(url: string): Map<string, string> {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, jar);
    return jar;
  }

  async request(url: string, init: RequestInit = {}): Promise<Response> {
    this.visited.push(url);
    const jar = this.cookies(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(init.headers as Record<string, string>), ...(cookie !== "" && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) this.#keep(jar, line);
    return response;
  }

  #keep(jar: Map<string, string>, line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
    const isGone = /max-age=0|expires=Thu, 01 Jan 1970/i.test(line);
    if (isGone) jar.delete(name!);
    else jar.set(name!, value!);
  }

  /** Follows redirects until an address satisfies `isEnd`, and returns it unopened. */
  async follow(url: string, isEnd: (url: string) => boolean): Promise<string> {
    for (let at = url, hops = 0; hops < 15; hops++) {
      if (isEnd(at)) return at;
      const response = await this.request(at);
      const location = response.headers.get("location");
      if (!location) throw new Error(`${at}: ${response.status} ${(await response.text()).slice(0, 300)}`);
      await response.body?.cancel();
      at = new URL(location, at).href;
    }
    throw new Error("too many redirects");
  }
}
