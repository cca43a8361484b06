/**
 * The programs that people push and pull with, each as its manual has it. Credentials go by standard input or a file,
 * never as arguments.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findExecutable } from "../../testbed/bootstrap/toolchain.cjs";
import type { OciLayout } from "../support/ociLayout";
import { type Daemon, type Ran, runProgram, startDaemon } from "./program";

/** Somebody's use of a client: the credentials of one are not the other's. */
export interface Session {
    logIn(user: string, key: string): Promise<Ran>;
    pull(reference: string): Promise<Ran>;
    push(image: OciLayout, reference: string): Promise<Ran>;
    /** Only of clients that can. */
    remove?(reference: string): Promise<Ran>;
}

export interface Client {
    name: string;
    /** Why it cannot be run here. */
    missing: string | undefined;
    /**
     * Prepares the client for a registry at `host`; `folder` goes afterwards.
     *
     * @param ca the file of the authority whose certificate the registry has; without it, plain http
     */
    start(
        folder: string,
        host: string,
        ca?: string,
    ): Promise<{ session(name: string): Session; stop(): Promise<void> }>;
    /** What it says where a tag is there already. */
    refusedOverwrite: RegExp;
    /** What it does about the very content that the tag has: leaves it at that, or pushes and is refused. */
    sameContent: "refused" | "nothing to do";
    /** What it says where nobody is logged in. */
    refusedAnonymous: RegExp;
    /** What it says instead of pulling where nobody is logged in; undefined: it pulls. */
    anonymousPull?: RegExp;
    /** Asks for a login at once, and so tells a wrong key; else what a push says. */
    wrongKey: { at: "login" | "push"; says: RegExp };
    /** What the site's part of zot's config has to have for it. */
    extraConfig?: Record<string, unknown>;
}

/** @param debian the package of Debian that brings them */
const none = (debian: string, ...programs: string[]) => {
    const missing = programs.filter((program) => !findExecutable(program));
    return missing.length > 0 ? `there is no ${missing.join(" and no ")}; Debian's package is ${debian}` : undefined;
};

/** Whether a daemon may mount here, as containers' need to. */
const mayMount = () => process.getuid?.() === 0 && spawnSync("unshare", ["--mount", "true"]).status === 0;

export const noDaemon = (debian: string, ...programs: string[]) =>
    none(debian, ...programs) ?? (mayMount() ? undefined : "its daemon needs root, and the right to mount");

export const PATH = [
    ...new Set(
        [
            ["skopeo", "buildah", "podman", "docker", "ctr"],
            ["crane", "regctl", "oras", "helm", "cosign", "ko", "go", "buildctl", "buildkitd", "runc"],
        ]
            .flat()
            .flatMap((name) => findExecutable(name) ?? [])
            .map(dirname),
    ),
    "/usr/bin",
    "/bin",
    "/usr/sbin",
    "/sbin",
].join(":");

/**
 * An environment of the session's own, so that nobody's login on this machine plays a part.
 *
 * @param ca read by every program that is written in Go, as all of these are
 */
export function home(folder: string, name: string, ca?: string): { env: Record<string, string>; place: string } {
    const place = join(folder, name);
    for (const part of ["", "run", "tmp"]) mkdirSync(join(place, part), { recursive: true });
    return {
        place,
        env: {
            PATH,
            HOME: place,
            XDG_RUNTIME_DIR: join(place, "run"),
            TMPDIR: join(place, "tmp"),
            ...(ca === undefined ? {} : { SSL_CERT_FILE: ca }),
        },
    };
}

const skopeo: Client = {
    name: "skopeo",
    missing: none("skopeo", "skopeo"),
    refusedOverwrite: /denied: requested access to the resource is denied/,
    sameContent: "refused",
    refusedAnonymous: /unauthorized: authentication required/,
    wrongKey: { at: "login", says: /invalid username\/password/ },
    async start(folder, host, ca) {
        const plain = (option: string) => (ca === undefined ? [`${option}=false`] : []);
        return {
            session(name) {
                const { env, place } = home(folder, name, ca);
                const auth = ["--authfile", join(place, "auth.json")];
                const skopeo = (args: string[], input?: string) => runProgram("skopeo", args, { env, input });
                writeFileSync(join(place, "auth.json"), "{}");
                return {
                    logIn: (user, key) =>
                        skopeo(
                            ["login", ...auth, "--username", user, "--password-stdin", ...plain("--tls-verify"), host],
                            key,
                        ),
                    pull: (reference) =>
                        skopeo([
                            "copy",
                            ...auth,
                            ...plain("--src-tls-verify"),
                            `docker://${reference}`,
                            `dir:${join(place, `pulled-${Math.random()}`)}`,
                        ]),
                    push: (image, reference) =>
                        skopeo([
                            "copy",
                            ...auth,
                            ...plain("--dest-tls-verify"),
                            `oci:${image.folder}`,
                            `docker://${reference}`,
                        ]),
                    remove: (reference) =>
                        skopeo(["delete", ...auth, ...plain("--tls-verify"), `docker://${reference}`]),
                };
            },
            stop: async () => undefined,
        };
    },
};

/** buildah and podman, which share their storage and their way with registries. */
function containersClient(name: "buildah" | "podman", more: string[] = []): Client {
    return {
        name,
        missing:
            none(name, name) ??
            (process.getuid?.() === 0
                ? undefined
                : "without root it needs user namespaces, which are the machine's to give"),
        refusedOverwrite: /denied: requested access to the resource is denied/,
        sameContent: "refused",
        refusedAnonymous: /unauthorized: authentication required/,
        wrongKey: { at: "login", says: /invalid username\/password/ },
        async start(folder, host, ca) {
            const { env: common, place: storage } = home(folder, "storage");
            const store = [
                "--root",
                join(storage, "root"),
                "--runroot",
                join(storage, "runroot"),
                "--storage-driver",
                "vfs",
                ...more,
            ];
            return {
                session(session) {
                    const { env, place } = home(folder, session, ca);
                    const plain = ca === undefined ? ["--tls-verify=false"] : [];
                    const auth = ["--authfile", join(place, "auth.json"), ...plain];
                    const client = (args: string[], input?: string) =>
                        runProgram(name, [...store, ...args], { env, input });
                    writeFileSync(join(place, "auth.json"), "{}");
                    return {
                        logIn: (user, key) =>
                            client(["login", ...auth, "--username", user, "--password-stdin", host], key),
                        // podman always asks the registry; buildah leaves it at what it has.
                        pull: (reference) =>
                            client([
                                "pull",
                                ...(name === "buildah" ? ["--policy=always"] : []),
                                ...auth,
                                `docker://${reference}`,
                            ]),
                        async push(image, reference) {
                            // The image is named by its place, in which there may be no capital letter.
                            const [parent, layout] = [dirname(image.folder), basename(image.folder)];
                            const pulled = await runProgram(name, [...store, "pull", "--quiet", `oci:${layout}`], {
                                env,
                                cwd: parent,
                            });
                            const id = /^[0-9a-f]{64}$/m.exec(pulled.said)?.[0];
                            return id === undefined ? pulled : client(["push", ...auth, id, `docker://${reference}`]);
                        },
                    };
                },
                async stop() {
                    // vfs stores may hold folders that only the client's own account may remove.
                    await runProgram(name, [...store, "rmi", "--all", "--force"], { env: common });
                },
            };
        },
    };
}

const crane: Client = {
    name: "crane",
    missing: findExecutable("crane")
        ? undefined
        : "there is no crane on the PATH; go install github.com/google/go-containerregistry/cmd/crane@v0.22.1",
    refusedOverwrite: /DENIED: requested access to the resource is denied/,
    sameContent: "nothing to do",
    refusedAnonymous: /UNAUTHORIZED: authentication required/,
    wrongKey: { at: "push", says: /UNAUTHORIZED|401/ },
    async start(folder, host, ca) {
        return {
            session(name) {
                const { env, place } = home(folder, name, ca);
                // On loopback it speaks plain http by itself.
                const crane = (args: string[], input?: string) => runProgram("crane", args, { env, input });
                return {
                    logIn: (user, key) => crane(["auth", "login", host, "--username", user, "--password-stdin"], key),
                    pull: (reference) =>
                        crane(["pull", "--format=oci", reference, join(place, `pulled-${Math.random()}`)]),
                    push: (image, reference) => crane(["push", image.folder, reference]),
                    remove: (reference) => crane(["delete", reference]),
                };
            },
            stop: async () => undefined,
        };
    },
};

const docker: Client = {
    name: "docker, with its daemon",
    missing: noDaemon("docker.io", "docker", "dockerd"),
    refusedOverwrite: /denied: requested access to the resource is denied/,
    sameContent: "refused",
    refusedAnonymous: /no basic auth credentials/,
    // The daemon takes the challenge at /v2/, without which it would never send a login, for a demand to log in.
    anonymousPull: /no basic auth credentials/,
    wrongKey: { at: "login", says: /401 Unauthorized/ },
    // It pushes manifests of its own kind, which zot refuses otherwise.
    extraConfig: { http: { compat: ["docker2s2"] } },
    async start(folder, host, ca) {
        const socket = `unix://${join(folder, "docker.sock")}`;
        const { env: common } = home(folder, "daemon", ca);
        writeFileSync(join(folder, "daemon.json"), "{}");
        const places = [
            "--config-file",
            join(folder, "daemon.json"),
            "--data-root",
            join(folder, "data"),
            "--exec-root",
            join(folder, "exec"),
            "--pidfile",
            join(folder, "docker.pid"),
        ];
        const nothingOfTheMachine = [
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--storage-driver=vfs",
        ];
        const isReady = async () =>
            (await runProgram("docker", ["--host", socket, "version"], { env: common })).status === 0;
        const daemon = await startDaemon(
            "dockerd",
            ["--host", socket, ...places, ...nothingOfTheMachine],
            common,
            isReady,
        );
        return {
            session(name) {
                const { env } = home(folder, name);
                const docker = (args: string[], input?: string) =>
                    runProgram("docker", ["--host", socket, ...args], { env, input });
                return {
                    logIn: (user, key) => docker(["login", "--username", user, "--password-stdin", host], key),
                    pull: (reference) => docker(["pull", reference]),
                    async push(image, reference) {
                        const local = `local/image:${image.digest.slice("sha256:".length, 20)}`;
                        // It reads no OCI layout: the image's counterpart is made once, of an empty archive.
                        if ((await docker(["image", "inspect", local])).status !== 0) {
                            const imported = await docker(
                                ["import", "--message", image.digest, "-", local],
                                "\0".repeat(1024),
                            );
                            if (imported.status !== 0) return imported;
                        }
                        const tagged = await docker(["tag", local, reference]);
                        return tagged.status === 0 ? docker(["push", reference]) : tagged;
                    },
                };
            },
            stop: daemon.stop,
        };
    },
};

const containerd: Client = {
    name: "containerd, by ctr",
    missing: noDaemon("containerd", "ctr", "containerd"),
    refusedOverwrite: /unexpected status: 403 Forbidden/,
    sameContent: "nothing to do",
    refusedAnonymous: /unexpected status: 401 Unauthorized/,
    wrongKey: { at: "push", says: /401 Unauthorized/ },
    async start(folder, host, ca) {
        const address = join(folder, "containerd.sock");
        const { env: common } = home(folder, "daemon");
        const config = join(folder, "containerd.toml");
        writeFileSync(
            config,
            `version = 2\nroot = "${join(folder, "root")}"\nstate = ` +
                `"${join(folder, "state")}"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  ` +
                `address = "${address}"\n[ttrpc]\n  address = "${address}.ttrpc"\n`,
        );
        const isReady = async () =>
            existsSync(address) &&
            (await runProgram("ctr", ["--address", address, "version"], { env: common })).status === 0;
        const daemon: Daemon = await startDaemon("containerd", ["--config", config], common, isReady);
        return {
            session(name) {
                const { env, place } = home(folder, name);
                const url = `${ca === undefined ? "http" : "https"}://${host}`;
                const authority = ca === undefined ? "" : `  ca = "${ca}"\n`;
                const ctr = (args: string[]) => runProgram("ctr", ["--address", address, ...args], { env });
                const hosts = join(place, "hosts");
                // As on a node: a file for each registry, which may hold a header with credentials.
                const writeHosts = (header = "") => {
                    mkdirSync(join(hosts, host), { recursive: true });
                    writeFileSync(
                        join(hosts, host, "hosts.toml"),
                        `server = "${url}"\n[host."${url}"]\n  capabilities = ["pull", ` +
                            `"resolve", "push"]\n${authority}${header}`,
                        { mode: 0o600 },
                    );
                };
                writeHosts();
                return {
                    async logIn(user, key) {
                        writeHosts(
                            `  [host."${url}".header]\n    Authorization = "Basic ` +
                                `${Buffer.from(`${user}:${key}`).toString("base64")}"\n`,
                        );
                        return { status: 0, said: "" };
                    },
                    async pull(reference) {
                        // What is there already would not be asked for.
                        await ctr(["images", "remove", "--sync", reference]);
                        return ctr(["images", "pull", "--snapshotter", "native", "--hosts-dir", hosts, reference]);
                    },
                    async push(image, reference) {
                        const archive = join(place, "image.tar");
                        const packed = await runProgram("tar", ["-C", image.folder, "-cf", archive, "."], { env });
                        if (packed.status !== 0) return packed;
                        const imported = await ctr([
                            "images",
                            "import",
                            "--no-unpack",
                            "--base-name",
                            "local/image",
                            "--digests",
                            archive,
                        ]);
                        rmSync(archive);
                        if (imported.status !== 0) return imported;
                        const tagged = await ctr([
                            "images",
                            "tag",
                            "--force",
                            `local/image@${image.digest}`,
                            reference,
                        ]);
                        return tagged.status === 0 ? ctr(["images", "push", "--hosts-dir", hosts, reference]) : tagged;
                    },
                };
            },
            stop: daemon.stop,
        };
    },
};

export const clients: Client[] = [
    skopeo,
    containersClient("buildah"),
    containersClient("podman", ["--cgroup-manager", "cgroupfs", "--events-backend", "file"]),
    crane,
    docker,
    containerd,
];
