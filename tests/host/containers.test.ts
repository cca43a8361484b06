/**
 * zot in a container, as far as a mount namespace with a root of its own is one: what docs/containers.md says works,
 * and what is refused. Needs root and the right to mount.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { servedBy } from "../../testbed/faults/watch";

jest.setTimeout(120_000);

const mayMount = process.getuid?.() === 0 && spawnSync("unshare", ["--mount", "true"]).status === 0;
const missing = ["unshare", "chroot", "mount", "setsid"].filter((name) => !findExecutable(name));
const reason =
    missing.length > 0
        ? `no ${missing.join(", no ")} here (Debian's util-linux)`
        : mayMount
          ? undefined
          : "it needs root, and the right to mount";

/** What any program of this machine needs; of the site a container has what is mounted. */
const SYSTEM = [
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc",
    "/dev",
    "/proc",
    dirname(process.execPath),
    resolve(__dirname, "../.."),
];

let host: FaultHost;

interface Container {
    /** Of the host's files and folders, by their path in the container. */
    mounts: Record<string, string>;
    /** The config that zot is started with there. */
    config?: string;
}

/** `docker restart`, as a script: what ran is ended, and a container is made of the same mounts. */
function container({ mounts, config = host.configFile }: Container): string {
    const name = join(
        host.folder,
        `restart-container-${Object.keys(mounts).length}-${Math.random().toString(16).slice(2)}`,
    );
    const root = join(host.folder, "root");
    const pidFile = join(host.folder, "container.pid");
    const bind = (from: string, to: string) => {
        const make =
            fs.existsSync(from) && fs.statSync(from).isFile()
                ? `mkdir -p "$root${dirname(to)}" && : >"$root${to}"`
                : `mkdir -p "$root${to}"`;
        return `if [ -e '${from}' ]; then ${make} && mount --rbind '${from}' "$root${to}"; fi`;
    };
    const inside = [
        "set -e",
        `root='${root}'`,
        'mkdir -p "$root" && mount -t tmpfs tmpfs "$root"',
        ...SYSTEM.map((path) => bind(path, path)),
        'mkdir -p "$root/tmp"',
        ...Object.entries(mounts).map(([to, from]) => bind(from, to)),
        // The binary of the image.
        `mkdir -p "$root/image" && cp '${host.machine.zot.path}' "$root/image/zot"`,
        `exec chroot "$root" ` +
            `${fs.realpathSync(host.machine.zot.path).startsWith(resolve(__dirname, "../..")) ? host.machine.zot.path : "/image/zot"} serve '${config}'`,
    ].join("\n");
    fs.writeFileSync(`${name}.inside`, `${inside}\n`);
    fs.writeFileSync(
        name,
        `#!/bin/sh
pid=$(cat '${pidFile}' 2>/dev/null)
if [ -n "$pid" ] && kill "$pid" 2>/dev/null; then
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.01; done
fi
rm -f '${pidFile}'
[ "\${1-}" != stop ] || exit 0
setsid nohup unshare --mount --propagation private /bin/sh '${name}.inside' </dev/null >>'${host.service.logFile}' 2>&1 &
echo $! >'${pidFile}'
`,
        { mode: 0o755 },
    );
    return name;
}

/** A registry that is open, and served from a container. */
async function serve(made: Container): Promise<string> {
    const restart = container(made);
    host.reset();
    fs.writeFileSync(host.configFile, host.openConfig(), { mode: 0o644 });
    spawnSync(restart, { stdio: "ignore" });
    await host.ready();
    return restart;
}

const folders = () => ({ [host.configFolder]: host.configFolder, [host.images]: host.images });
const declared = (restart: string, zot: Record<string, unknown> = {}): Deployed =>
    host.declare("a", { host: { restartCommand: restart }, zot });

async function refused(deployed: Deployed): Promise<string> {
    const before = fs.readFileSync(host.configFile, "utf8");
    const { exitCode, errors } = await host.deploy(deployed);
    expect(exitCode).toBe(1);
    expect(errors).toContain("[ZH-HOST-UNCHANGED]");
    expect(fs.readFileSync(host.configFile, "utf8")).toBe(before);
    return errors;
}

(reason ? describe.skip : describe)(skippable("zot in a container", reason), () => {
    let restart: string;
    beforeAll(async () => {
        host = await FaultHost.start();
    });
    afterEach(() => void spawnSync(restart, ["stop"], { stdio: "ignore" }));
    afterAll(() => host?.stop());

    test("works with both folders at the same path: a deployment, a change, a destroy", async () => {
        restart = await serve({ mounts: folders() });
        const a = declared(restart);
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await servedBy(host.url, [a])).toBe("a");
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "unchanged\n" });
        expect(await host.deploy(a, "withdraw")).toMatchObject({ exitCode: 0, output: "read-only\n" });
    });

    test("a config that is mounted by itself is refused: the secret files beside it would not arrive", async () => {
        restart = await serve({ mounts: { [host.configFile]: host.configFile, [host.images]: host.images } });
        const errors = await refused(declared(restart));
        expect(errors).toContain(
            `runs in a container, where ${host.configFolder} is not the folder of this host, ` +
                "so that what a deployment writes would not arrive.",
        );
        expect(errors).toContain(
            "Mount the folder itself, not a single file, at the same path in the container: " +
                `--volume ${host.configFolder}:${host.configFolder} (docs/containers.md).`,
        );
    });

    test("a folder that is mounted at another path is refused", async () => {
        restart = await serve({
            mounts: { "/etc-of-zot": host.configFolder, [host.images]: host.images },
            config: "/etc-of-zot/config.json",
        });
        expect(await refused(declared(restart))).toContain(
            "runs in a container, and was started with /etc-of-zot/config.json there, " +
                `while zot.configFile is ${host.configFile}. Mount the folder ${host.configFolder} at the same path`,
        );
    });

    test("a storage that is not mounted is refused: images would go with the container", async () => {
        restart = await serve({ mounts: { [host.configFolder]: host.configFolder } });
        expect(await refused(declared(restart))).toContain(`where ${host.images} is not the folder of this host`);
    });

    test("a binary that is only in the container is told to be copied out of the image", async () => {
        restart = await serve({ mounts: folders() });
        const errors = await refused(declared(restart, { binary: "/image/zot" }));
        expect(errors).toMatch(
            /zot's binary \/image\/zot is in the container that zot runs in \(process \d+\), but not on this host, where it has to check a config before the config goes live; copy it out of the image, and set zot\.binary to the copy \(docs\/containers\.md\)\./,
        );
        expect(await refused(declared(restart, { binary: "/no/such/zot" }))).toContain(
            "If zot runs in a container, this host needs a copy of its binary (docs/containers.md).",
        );
    });
});
