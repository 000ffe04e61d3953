const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);

/**
 * Whether a page of `origin` may open streams: one of this deployment or of a configured dashboard. A request's own
 * `Host` proves nothing, so where we are comes from the configuration. On the machine of whoever runs this, any page
 * served there is theirs.
 */
export function admitsOrigin(origin: string, publicUrl: string, allowed: ReadonlySet<string>): boolean {
  const own = new URL(publicUrl);
  if (origin === own.origin || allowed.has(origin) || allowed.has("*")) return true;
  return isLoopback(own) && URL.canParse(origin) && isLoopback(new URL(origin));
}
