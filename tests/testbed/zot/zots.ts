/**
 * The registries that the tests run against: always the stand-in, and a real zot where there is one (`ZOT`, or `zot` on
 * the PATH), so that one and the same case says what both do.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { realZot } from "../../../testbed/contract/realZot";

const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

export interface Zot {
    /** For the names of the tests. */
    name: string;
    command: string[];
    isStandIn: boolean;
}

const found = realZot(process.env);

export const zots: Zot[] = [
    { name: "zot [stand-in]", command: [process.execPath, compiled("testbed/zot/main.ts")], isStandIn: true },
    ...(found === undefined ? [] : [{ name: "zot [real]", command: [found], isStandIn: false }]),
];

/** Why there is nothing to compare with. */
export const noRealZot = zots.length > 1 ? undefined : "no real zot, neither in ZOT nor on PATH";

export interface Ran {
    exitCode: number | null;
    output: string;
    errors: string;
}

/** Runs a command of zot to its end. */
export function run(zot: Zot, ...args: string[]): Ran {
    const [program = "", ...first] = zot.command;
    const { status, stdout, stderr } = spawnSync(program, [...first, ...args], { encoding: "utf8", timeout: 20_000 });
    return { exitCode: status, output: stdout, errors: stderr };
}

/** Runs `zot serve` of a config that cannot start, without standing in the way of servers in this process. */
export function serveToItsEnd(zot: Zot, config: string): Promise<Ran> {
    const [program = "", ...first] = zot.command;
    const child = spawn(program, [...first, "serve", config]);
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (errors += String(chunk)));
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    return new Promise((resolve) => {
        child.on("close", (exitCode) => {
            clearTimeout(timer);
            resolve({ exitCode, output, errors });
        });
    });
}

/** A folder that goes when the tests of a file end. */
export function scratch(): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-test-"));
    scratchFolders.push(folder);
    return folder;
}

const scratchFolders: string[] = [];
const running = new Set<RunningZot>();

/** To be called by `afterAll`: ends what still runs and removes what was written. */
export async function cleanUp(): Promise<void> {
    await Promise.all([...running].map((zot) => zot.stop("SIGKILL")));
    for (const folder of scratchFolders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
}

export async function freePort(): Promise<number> {
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}

export class RunningZot {
    readonly url: string;
    log = "";
    private child!: ChildProcess;
    private exit!: Promise<number | null>;

    private constructor(
        readonly zot: Zot,
        readonly configFile: string,
        readonly port: number,
    ) {
        this.url = `http://127.0.0.1:${port}`;
    }

    /** Writes a config file and waits until zot serves it. `root` and the port are filled in. */
    static async start(
        zot: Zot,
        config: (url: string) => object,
        folder = scratch(),
        port?: number,
    ): Promise<RunningZot> {
        port ??= await freePort();
        const server = new RunningZot(zot, path.join(folder, "config.json"), port);
        const root = path.join(folder, "root");
        const wanted = config(server.url) as { http?: object; storage?: object };
        const whole = {
            log: { level: "debug" },
            ...wanted,
            storage: { rootDirectory: root, ...wanted.storage },
            http: { address: "127.0.0.1", port: String(port), ...wanted.http },
        };
        fs.writeFileSync(server.configFile, JSON.stringify(whole));
        await server.launch();
        return server;
    }

    get root(): string {
        return path.join(path.dirname(this.configFile), "root");
    }

    async launch(): Promise<void> {
        const [program = "", ...first] = this.zot.command;
        this.child = spawn(program, [...first, "serve", this.configFile], { stdio: ["ignore", "pipe", "pipe"] });
        this.child.stdout?.on("data", (chunk) => (this.log += String(chunk)));
        this.child.stderr?.on("data", (chunk) => (this.log += String(chunk)));
        this.exit = new Promise((resolve) => this.child.once("close", resolve));
        running.add(this);
        for (let attempt = 0; attempt < 400; attempt++) {
            if (this.child.exitCode !== null) throw new Error(`zot did not start:\n${this.log}`);
            if ((await this.request("GET", "/readyz").catch(() => undefined))?.status === 200) return;
            await new Promise((resolve) => setTimeout(resolve, 25));
        }
        throw new Error(`zot is not ready:\n${this.log}`);
    }

    /** The exit code. */
    async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
        if (this.child.exitCode === null) this.child.kill(signal);
        running.delete(this);
        return this.exit;
    }

    async restart(): Promise<void> {
        await this.stop();
        await this.launch();
    }

    request(method: string, target: string, options: RequestOptions = {}): Promise<Answer> {
        return request(method, `${this.url}${target}`, options);
    }
}

export interface RequestOptions {
    headers?: Record<string, string>;
    body?: string | Buffer;
    /** User name and password. */
    as?: Credentials | undefined;
}

export type Credentials = [userName: string, password: string];

export interface Answer {
    status: number;
    headers: http.IncomingHttpHeaders;
    body: Buffer;
}

export const textOf = (answer: Answer) => answer.body.toString();
export const jsonOf = <T>(answer: Answer): T => JSON.parse(answer.body.toString()) as T;

/** The first error of an answer of the distribution specification. */
export const codeOf = (answer: Answer) =>
    jsonOf<{ errors: { code: string; detail: Record<string, string> }[] }>(answer).errors[0];

let count = 0;
/** A repository that no other test of the file uses. */
export const fresh = (name = "test") => `${name}/${++count}`;

/** One request on a connection of its own, without following redirects. */
export function request(method: string, url: string, { headers = {}, body, as }: RequestOptions = {}): Promise<Answer> {
    const authorization = as && { Authorization: `Basic ${Buffer.from(as.join(":")).toString("base64")}` };
    return new Promise((resolve, reject) => {
        const outgoing = http.request(
            url,
            { method, headers: { ...authorization, ...headers }, agent: false },
            (incoming) => {
                const chunks: Buffer[] = [];
                incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
                incoming.on("end", () =>
                    resolve({
                        status: incoming.statusCode ?? 0,
                        headers: incoming.headers,
                        body: Buffer.concat(chunks),
                    }),
                );
                incoming.on("error", reject);
            },
        );
        outgoing.on("error", reject);
        if (body !== undefined) outgoing.setHeader("Content-Length", Buffer.byteLength(body));
        outgoing.end(body);
    });
}

export const digestOf = (content: string | Buffer) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** A small image: a config, one layer, and the manifest. Images of different text differ. */
export function image(text: string) {
    const config = JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });
    const layer = `layer of ${text}`;
    const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: {
            mediaType: "application/vnd.oci.image.config.v1+json",
            digest: digestOf(config),
            size: config.length,
        },
        layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(layer), size: layer.length }],
        annotations: { text },
    });
    return { config, layer, manifest, digest: digestOf(manifest) };
}

/** Uploads a blob in one request and answers its status. */
export async function pushBlob(
    zot: RunningZot,
    repository: string,
    content: string | Buffer,
    as?: Credentials,
): Promise<number> {
    const answer = await zot.request("POST", `/v2/${repository}/blobs/uploads/?digest=${digestOf(content)}`, {
        headers: { "Content-Type": "application/octet-stream" },
        body: content,
        as,
    });
    return answer.status;
}

export function putManifest(
    zot: RunningZot,
    repository: string,
    reference: string,
    manifest: string,
    as?: Credentials,
): Promise<Answer> {
    return zot.request("PUT", `/v2/${repository}/manifests/${reference}`, {
        headers: { "Content-Type": manifestType },
        body: manifest,
        as,
    });
}

/** Pushes an image as far as it may, and answers the status of the manifest. */
export async function push(
    zot: RunningZot,
    repository: string,
    reference: string,
    text: string,
    as?: Credentials,
): Promise<number> {
    const { config, layer, manifest } = image(text);
    await pushBlob(zot, repository, config, as);
    await pushBlob(zot, repository, layer, as);
    return (await putManifest(zot, repository, reference, manifest, as)).status;
}
