/** nginx, HAProxy and Caddy in front of a registry's machines, by the examples of docs/proxy.md. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findExecutable } from "../bootstrap/toolchain.cjs";

export const PROXIES = ["nginx", "haproxy", "caddy"] as const;
export type ProxyKind = (typeof PROXIES)[number];

/** How an example is named on the page: the language of its block. */
const LANGUAGE = { nginx: "nginx", haproxy: "haproxy", caddy: "caddyfile" };

/** Why that proxy cannot be started here; undefined if it can. */
export const noProxy = (kind: ProxyKind): string | undefined =>
    findExecutable(kind) ? undefined : `there is no ${kind} on the PATH; Debian's package has that name`;

export interface ProxyOptions {
    /** Where docs/proxy.md is. */
    root: string;
    /** A folder for its files; it is made. */
    folder: string;
    /** Where it listens on 127.0.0.1. */
    port: number;
    /** Where the machines listen: `127.0.0.1:5000`. */
    machines: readonly string[];
    /** PEM files of its certificate and key. Default: it serves plain http. */
    certificate?: { cert: string; key: string };
    /** PEM file of the authority of the machines' certificates. Default: they serve plain http. */
    authority?: string;
}

export interface RunningProxy {
    url: string;
    stop(): Promise<void>;
}

/** The unchanged example of the page; and the lines that replace some of its lines for TLS to the machines. */
export function exampleOf(kind: ProxyKind, root: string): { example: string; tls: string } {
    const page = readFileSync(join(root, "docs", "proxy.md"), "utf8");
    const found = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === LANGUAGE[kind]);
    const [example, tls] = found.map(([, , text]) => text!);
    if (found.length !== 2) throw new Error(`docs/proxy.md has ${found.length} blocks of ${LANGUAGE[kind]}, not two.`);
    return { example: example!, tls: tls! };
}

/** The example with TLS to the machines, as the page says it is made. */
function withTls(kind: ProxyKind, { example, tls }: ReturnType<typeof exampleOf>, authority: string): string {
    const places: Record<ProxyKind, (text: string) => string> = {
        nginx: (text) =>
            text.replaceAll("proxy_pass http://", "proxy_pass https://").replace(/^(?= *location)/m, () => tls),
        haproxy: (text) => text.replace(/^ *default-server.*\n/m, () => tls),
        caddy: (text) => text.replace(/^ *transport http \{[^}]*\}\n/m, () => tls),
    };
    return places[kind](example).replace("/etc/ssl/machines.pem", authority);
}

/** Starts the proxy, and waits until it serves. */
export async function startProxy(kind: ProxyKind, options: ProxyOptions): Promise<RunningProxy> {
    const { folder, port, certificate, authority } = options;
    mkdirSync(folder, { recursive: true });
    const page = exampleOf(kind, options.root);
    const filled = withMachines(authority ? withTls(kind, page, authority) : page.example, options.machines);
    const { args, environment = {} } = prepare[kind](filled, options);
    const proxy = spawn(findExecutable(kind)!, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env.PATH, HOME: folder, ...environment },
    });
    const log = createWriteStream(join(folder, "log"));
    for (const stream of [proxy.stdout, proxy.stderr]) stream.pipe(log, { end: false });
    const endWithUs = () => proxy.kill("SIGKILL");
    process.once("exit", endWithUs);
    const ended = endOf(proxy).finally(() => process.removeListener("exit", endWithUs));
    const stop = async () => {
        proxy.kill("SIGTERM");
        await ended;
        log.end();
    };
    const url = `${certificate ? "https" : "http"}://127.0.0.1:${port}`;
    try {
        await Promise.race([
            untilServing(port),
            ended.then(() => Promise.reject(new Error(`it ended: ${readFileSync(join(folder, "log"), "utf8")}`))),
        ]);
        return { url, stop };
    } catch (error) {
        await stop();
        throw new Error(`${kind} did not start: ${(error as Error).message}`, { cause: error });
    }
}

/** A line for each machine if the example has a line for each of its two; otherwise all machines in one line. */
function withMachines(example: string, machines: readonly string[]): string {
    const [first = "", ...others] = machines;
    return example
        .split("\n")
        .flatMap((line) => {
            if (line.includes("one.example.org:5000 two.example.org:5000"))
                return [line.replace("one.example.org:5000 two.example.org:5000", machines.join(" "))];
            if (line.includes("two.example.org:5000"))
                return others.map((machine, index) =>
                    line.replace("two.example.org:5000", machine).replace("server two", `server other${index}`),
                );
            return [line.replace("one.example.org:5000", first)];
        })
        .join("\n");
}

interface Prepared {
    args: string[];
    environment?: Record<string, string>;
}

/** Files of each kind, from an example with its machines. */
const prepare: Record<ProxyKind, (example: string, options: ProxyOptions) => Prepared> = {
    nginx(example, { folder, port, certificate }) {
        const own = certificate
            ? example
                  .replace("listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`)
                  .replace("/etc/ssl/registry.pem", certificate.cert)
                  .replace("/etc/ssl/registry.key", certificate.key)
            : example.replace("listen 443 ssl;", `listen 127.0.0.1:${port};`).replace(/^ *ssl_certificate.*$/gm, "");
        const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
            (name) => `${name}_temp_path ${join(folder, name)};`,
        );
        const whole = [
            process.getuid?.() === 0 ? "user root;" : "",
            "daemon off;",
            `pid ${join(folder, "pid")};`,
            "error_log stderr;",
            "events { worker_connections 4096; }",
            `http {\naccess_log off;\n${temporary.join("\n")}\n${own}\n}`,
        ].join("\n");
        const file = join(folder, "nginx.conf");
        writeFileSync(file, whole);
        return { args: ["-p", folder, "-c", file] };
    },
    haproxy(example, { folder, port, certificate }) {
        const both = join(folder, "registry-with-key.pem");
        if (certificate)
            writeFileSync(both, readFileSync(certificate.cert, "utf8") + readFileSync(certificate.key, "utf8"), {
                mode: 0o600,
            });
        const own = example.replace(
            "bind :443 ssl crt /etc/ssl/registry-with-key.pem",
            `bind 127.0.0.1:${port}${certificate ? ` ssl crt ${both}` : ""}`,
        );
        const file = join(folder, "haproxy.cfg");
        writeFileSync(file, own);
        return { args: ["-db", "-f", file] };
    },
    caddy(example, { folder, port, certificate }) {
        const own = example
            .replace("registry.example.org {", `${certificate ? "https" : "http"}://127.0.0.1:${port} {`)
            .replace(/^ *tls .*$/m, certificate ? `tls ${certificate.cert} ${certificate.key}` : "");
        const file = join(folder, "Caddyfile");
        writeFileSync(file, `{\n    admin off\n    auto_https off\n    default_bind 127.0.0.1\n}\n${own}`);
        return {
            args: ["run", "--adapter", "caddyfile", "--config", file],
            environment: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
        };
    },
};

const endOf = (child: ChildProcess) =>
    new Promise<void>((resolve) => {
        child.once("exit", () => resolve());
        child.once("error", () => resolve());
    });

async function untilServing(port: number): Promise<void> {
    const { connect } = await import("node:net");
    const isOpen = () =>
        new Promise<boolean>((resolve) => {
            const socket = connect(port, "127.0.0.1");
            socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
            socket.once("connect", () => socket.destroy());
        });
    for (const deadline = Date.now() + 15_000; !(await isOpen()); )
        if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
        else await new Promise((resolve) => setTimeout(resolve, 20));
}
