import { createWriteStream, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import type { WriteStream } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Readable } from "node:stream";

/** Appends lines to a file, each with the time in front. */
export interface LogFile {
  write(line: string): void;
  /** Copies a child's output line by line, with a prefix; the lines can be listened to as well. */
  follow(stream: Readable, prefix: string): Interface;
  close(): Promise<void>;
}

/** A log takes at most twice this: the current file and the one before it, `<name>.1`. */
const MAX_BYTES = 20 * 1024 * 1024;

export function openLog(path: string, maxBytes = MAX_BYTES): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let file = append(path);
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const write = (line: string) => {
    const entry = `${new Date().toISOString()} ${line}\n`;
    if (bytes > maxBytes) {
      file.end();
      renameSync(path, `${path}.1`);
      file = append(path);
      bytes = 0;
    }
    bytes += Buffer.byteLength(entry);
    file.write(entry);
  };
  return {
    write,
    follow(stream, prefix) {
      const lines = createInterface({ input: stream });
      lines.on("line", (line) => write(`${prefix} ${line}`));
      return lines;
    },
    close: () => new Promise((done) => (file.destroyed ? done() : file.end(done))),
  };
}

function append(path: string): WriteStream {
  const file = createWriteStream(path, { fd: openSync(path, "a", 0o600) });
  // A full disk must not take the platform down with it; the first failure is said on the terminal.
  file.once("error", (error) => {
    console.error(`Cannot write ${path}: ${error.message}`);
    file.on("error", () => {});
  });
  return file;
}
