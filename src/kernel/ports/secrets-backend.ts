/** Where secrets come from besides the environment. */
export interface SecretsBackend {
  /** Every secret it has, by the name of the variable it stands for. Throws when it cannot be asked. */
  read(): Promise<Record<string, string>>;
}
