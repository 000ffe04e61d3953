/** The file of an upload on its way in; `size` when the client declared it. */
export interface IncomingFile {
  name: string;
  body: ReadableStream<Uint8Array>;
  size?: number;
}

/** An upload not read yet, so that permission and ownership can be checked before the first byte. */
export interface Upload {
  /** Streams the one file into `sink`; returns the sink's answer and the text fields around the file. */
  receive<T>(sink: (file: IncomingFile) => Promise<T>): Promise<{ stored: T; fields: Map<string, string> }>;
}
