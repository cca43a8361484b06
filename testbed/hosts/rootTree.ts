/**
 * Root trees of Debian that hosts are booted from: debootstrapped once, from where this machine's apt has its packages
 * from.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { findExecutable } from "../bootstrap/toolchain.cjs";
import type { supervisors } from "./supervisors";

const cache = require("../bootstrap/cache.cjs") as {
    cacheFolder(): string;
    install<T>(folder: string, fill: (temporary: string) => Promise<T>): Promise<T>;
    lock(folder: string): Promise<() => void>;
    removeUnfinished(folder: string): void;
};
const commands = require("../bootstrap/commands.cjs") as {
    run(
        file: string,
        args: string[],
        options: { cwd: string; env: NodeJS.ProcessEnv; log: string },
    ): Promise<{ ok: boolean; tail: string[] }>;
    cancelAll(): void;
};

export interface Distribution {
    name: string;
    suite: string;
    /** What it has besides systemd to start zot (supervisors.ts). In Debian 13, OpenRC is there instead of systemd. */
    supervisors: readonly (keyof typeof supervisors)[];
}

export const distributions: readonly Distribution[] = [
    { name: "debian12", suite: "bookworm", supervisors: ["openrc", "runit"] },
    { name: "debian13", suite: "trixie", supervisors: ["runit"] },
];

/** What a small server has, as far as a deployment has to do with it. */
const PACKAGES = [
    ...[
        "systemd",
        "systemd-sysv",
        "libpam-systemd",
        "dbus",
        "dbus-user-session",
        "polkitd",
        "openssh-server",
        "sudo",
        "curl",
    ],
    // The stand-in for zot runs by Node, which wants the last.
    ...["ca-certificates", "procps", "libstdc++6"],
];

const TOOLS = {
    debootstrap: "debootstrap",
    "systemd-nspawn": "systemd-container",
    unshare: "util-linux",
    setpriv: "util-linux",
};

/** Why this machine cannot boot hosts; undefined if it can. */
export function whyNoHosts(): string | undefined {
    if (process.platform !== "linux") return `hosts are containers of Linux, and this is ${process.platform}`;
    if (process.getuid?.() !== 0) return "only root may boot a host";
    const missing = Object.entries(TOOLS).filter(([tool]) => !findExecutable(tool));
    if (missing.length > 0)
        return `${missing.map(([tool, name]) => `${tool} (Debian's package ${name})`).join(" and ")} is not installed`;
    if (!/\boverlay$/m.test(fs.readFileSync("/proc/filesystems", "utf8")))
        return "the kernel has no overlay file system";
    return undefined;
}

/**
 * The folder of a distribution's tree, which is made if there is none yet: a minute or two, and 300 MB.
 *
 * @param say is told that it takes a while
 * @throws Error if it cannot be made, with the last lines of debootstrap
 */
export async function rootTree(distribution: Distribution, say: (line: string) => void): Promise<string> {
    const parent = join(cache.cacheFolder(), "hosts");
    const recipe = createHash("sha256")
        .update(JSON.stringify([distribution, PACKAGES]))
        .digest("hex")
        .slice(0, 8);
    const folder = join(parent, `${distribution.suite}-${recipe}`);
    if (fs.existsSync(folder)) return folder;
    const release = await cache.lock(parent);
    try {
        if (fs.existsSync(folder)) return folder;
        cache.removeUnfinished(parent);
        const mirror = debianMirror();
        say(`Making the root tree of ${distribution.name} from ${mirror}; this is done once.`);
        const log = join(parent, `${distribution.suite}.log`);
        await cache.install(folder, async (temporary) => {
            fs.chmodSync(temporary, 0o755);
            const args = [
                "--variant=minbase",
                `--include=${[...PACKAGES, ...distribution.supervisors].join(",")}`,
                distribution.suite,
                temporary,
                mirror,
            ];
            const { ok, tail } = await commands.run("debootstrap", args, {
                cwd: "/",
                env: withProxy(process.env),
                log,
            });
            if (!ok)
                throw new Error(
                    `debootstrap could not make ${distribution.name}: ${tail.slice(-3).join(" ")} (all of it: ${log})`,
                );
        });
        return folder;
    } finally {
        release();
    }
}

/** Ends a debootstrap that is under way. */
export const cancelRootTrees = (): void => commands.cancelAll();

/** @throws Error if the machine's apt knows no Debian archive */
function debianMirror(): string {
    const format = "$(ORIGIN) $(LABEL) $(COMPONENT) $(SITE) $(REPO_URI)";
    const { stdout } = spawnSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
        encoding: "utf8",
    });
    const mirror = (stdout ?? "")
        .split("\n")
        .find((line) => line.startsWith("Debian Debian main "))
        ?.split(" ")[4];
    if (!mirror)
        throw new Error(
            "This machine's apt names no archive of Debian (apt-get indextargets), " +
                "from which the hosts could be made. Run apt-get update.",
        );
    return mirror;
}

function withProxy(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const { stdout } = spawnSync("apt-config", ["shell", "proxy", "Acquire::http::Proxy"], { encoding: "utf8" });
    const proxy = /^proxy='(.*)'$/m.exec(stdout ?? "")?.[1];
    return proxy ? { ...env, http_proxy: proxy } : env;
}
