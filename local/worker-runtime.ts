import { join } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import type { V4MiniflareOptions } from "miniflare";
import { OFFLINE, readManifest } from "./bundle.ts";
import type { Manifest } from "./bundle.ts";
import { localUrl } from "./free-port.ts";
import type { Scheduled } from "./schedule.ts";

export interface WorkerRuntime extends Scheduled {
  url: string;
  stop(): Promise<void>;
}

export interface WorkerSettings {
  workerDir: string;
  host: string;
  port: number;
  vars: Record<string, string>;
  /** R2 objects, Durable Objects and caches live below it. */
  stateDir: string;
  log: (line: string) => void;
  /** Miniflare starts workerd again by itself when it crashes; this is told. */
  onRestart(): void;
}

/** Runs a built Worker in workerd, with no development proxy in front. */
export async function startWorker(settings: WorkerSettings): Promise<WorkerRuntime> {
  Object.assign(process.env, { CLOUDFLARE_CF_FETCH_ENABLED: OFFLINE.CLOUDFLARE_CF_FETCH_ENABLED });
  const manifest = readManifest(settings.workerDir);
  const miniflare = new Miniflare(convertV4MiniflareOptions(toOptions(settings, manifest)));
  try {
    const url = await miniflare.ready;
    return {
      url: localUrl(settings.host, Number(url.port)),
      async runScheduled(cron) {
        // Asked for anew each time: the handle of before a crash is dead.
        const worker = await miniflare.getWorker();
        const { outcome } = await worker.scheduled({ cron, scheduledTime: new Date() });
        if (outcome !== "ok") throw new Error(`The scheduled handler ended with ${outcome}.`);
      },
      crons: manifest.options.cronTriggers ?? [],
      stop: () => miniflare.dispose(),
    };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

function toOptions(settings: WorkerSettings, manifest: Manifest): V4MiniflareOptions {
  const { workerDir, log } = settings;
  const modules = manifest.modules.map(({ type, file }) => ({ type, path: join(workerDir, file) }));
  return {
    host: settings.host,
    port: settings.port,
    resourcePersistencePath: settings.stateDir,
    cf: false,
    logRequests: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.ERROR),
    unsafeHandleRuntimeRestart: settings.onRestart,
    handleStructuredLogs: ({ level, message }) => log(`[${level}] ${message}`),
    workers: [
      {
        ...withPlainAssets(manifest.options),
        name: manifest.name,
        bindings: { ...manifest.options.bindings, ...settings.vars },
        modules,
        modulesRoot: workerDir,
      },
    ],
  } as V4MiniflareOptions;
}

/**
 * Static files straight from disk: Miniflare's imitation of the assets router stands in front of every request and costs
 * half a millisecond each, though the Worker asks for the few files itself.
 */
function withPlainAssets({ assets, ...options }: Manifest["options"]): Manifest["options"] {
  if (!assets?.binding || !assets.directory) return options;
  const files = { disk: { path: assets.directory, writable: false } };
  return { ...options, serviceBindings: { ...options.serviceBindings, [assets.binding]: files } };
}
