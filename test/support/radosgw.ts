import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "../../local/free-port.ts";
import { isInstalled, Program } from "./programs.ts";

/** Debian: `apt-get install --no-install-recommends radosgw ceph-mon ceph-osd`. */
export const hasRadosgw = isInstalled(
  "radosgw",
  "radosgw-admin",
  "ceph",
  "ceph-mon",
  "ceph-osd",
  "monmaptool",
);

export interface S3Settings {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** A real S3 server: Ceph's gateway on a cluster of one monitor and one store in memory. Some three seconds to start. */
export interface Radosgw {
  settings: S3Settings;
  /** Amazon's own client, to look behind our adapter's back. */
  client: S3Client;
  stop(): Promise<void>;
}

const run = promisify(execFile);

// Made for many machines and for safety; here one process of each kind answers without keys and without waiting.
const configOf = (folder: string, fsid: string, port: number) => `
[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${port}]
public addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
run dir = ${folder}
admin socket = ${folder}/$name.$pid.asok
pid file =
log file = ${folder}/$name.log
mon data = ${folder}/mon
mon data avail warn = 0
mon data avail crit = 0
mon tick interval = 1
paxos propose interval = 0.01
paxos min wait = 0.01
mon allow pool size one = true
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw data = ${folder}
rgw enable gc threads = false
rgw enable lc threads = false
rgw run sync thread = false
rgw dynamic resharding = false
`;

export async function startRadosgw(): Promise<Radosgw> {
  const folder = mkdtempSync(join(tmpdir(), "myelin-ceph-"));
  const programs: Program[] = [];
  const stop = async () => {
    // Nothing in there is to be kept.
    for (const program of programs.toReversed()) await program.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const settings = await bringUp(folder, programs);
    const { endpoint, region, ...credentials } = settings;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
    return { settings, client, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(folder: string, programs: Program[]): Promise<S3Settings> {
  const [monitorPort, port, fsid] = [await freePort(), await freePort(), randomUUID()];
  const config = join(folder, "ceph.conf");
  mkdirSync(join(folder, "osd"));
  writeFileSync(config, configOf(folder, fsid, monitorPort));
  const start = (name: string, ...args: string[]) => {
    const program = new Program(name, [...args, "--conf", config]);
    programs.push(program);
    return program;
  };
  const once = (name: string, ...args: string[]) =>
    run(name, [...args, "--conf", config], { timeout: 30_000 });

  const map = join(folder, "monmap");
  const keyring = ["--keyring", "/dev/null"];
  await run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", `[v2:127.0.0.1:${monitorPort}]`, map]);
  await once("ceph-mon", "--id", "a", "--mkfs", "--monmap", map, ...keyring);
  start("ceph-mon", "--id", "a", "-f", ...keyring);
  await once("ceph", "osd", "create");
  await once("ceph-osd", "--id", "0", "--mkfs");
  start("ceph-osd", "--id", "0", "-f");
  await once("ceph", "osd", "crush", "add", "osd.0", "1", "root=default", "host=localhost");
  const keys = { accessKeyId: randomUUID(), secretAccessKey: randomUUID() };
  await once(
    "radosgw-admin",
    ...["user", "create", "--uid", "myelin", "--display-name", "Myelin"],
    ...["--access-key", keys.accessKeyId, "--secret-key", keys.secretAccessKey],
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const frontend = `beast endpoint=127.0.0.1:${port} tcp_nodelay=1`;
  const gateway = start("radosgw", "--name", "client.admin", "-f", "--rgw-frontends", frontend);
  await gateway.serves(() => fetch(endpoint));
  return { endpoint, bucket: "myelin", region: "us-east-1", ...keys };
}
