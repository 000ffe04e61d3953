/** Encryption at rest: AES-256-GCM, the key named in what comes out. */
export interface Sealer {
  /** Encrypts `text`; only `open` with the same `context` (what it is and whose) gives it back. */
  seal(text: string, context: string): Promise<string>;
  /** Throws when the text was tampered with, belongs to another context, or its key is no longer configured. */
  open(sealed: string, context: string): Promise<string>;
  /** How everything starts that was encrypted with an older key that still opens it, and should be encrypted anew. */
  readonly olderPrefixes: readonly string[];
}
