// A real Gitea, built from its Go module: for `npm run forges` alone.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { cacheFolder, install, lock } = require("../bootstrap/cache.cjs");
const { isExecutable, onPath, run } = require("../bootstrap/commands.cjs");
const { findGo } = require("../bootstrap/install.cjs");
const pins = require("../bootstrap/pins.cjs");
const { Problem } = require("../bootstrap/problem.cjs");

const VERSION = "1.25.2";
/** Names the module with its checksum; the module itself pins what it stands on. */
const pin = path.join(pins.toolchainFolder, "gitea");
/** What Gitea reads beside its binary. */
const STATIC = ["options", "public", "templates"];

/**
 * The folder with `gitea` and what it reads, built if need be.
 * @param {NodeJS.ProcessEnv} env @param {(line: string) => void} say
 */
async function giteaFolder(env, say) {
    const cache = cacheFolder(env);
    const folder = path.join(cache, `gitea-${VERSION}-${pins.platform}-${pins.fingerprint(pin)}`);
    if (isExecutable(path.join(folder, "gitea"))) return folder;
    const go = findGo(env, `Gitea ${VERSION} is not installed`);
    if (!onPath("gcc", env.PATH) && !onPath("cc", env.PATH))
        throw new Problem(
            `Gitea ${VERSION} keeps its data in SQLite, which is built by a C compiler. ` +
                "Install gcc and run the command again.",
        );
    fs.mkdirSync(cache, { recursive: true });
    const release = await lock(cache, {
        onWait: (/** @type {number} */ pid) => say(`Another command (process ${pid}) is installing; waiting for it.`),
    });
    try {
        if (isExecutable(path.join(folder, "gitea"))) return folder;
        say(`Building Gitea ${VERSION} from its Go module: about half an hour of processor time, once.`);
        const own = { ...env, CGO_ENABLED: "1", GOWORK: "off", GOFLAGS: "" };
        const found = spawnSync(go, ["mod", "download", "-json", "code.gitea.io/gitea"], {
            cwd: pin,
            env: own,
            encoding: "utf8",
        });
        if (found.status !== 0)
            throw new Problem(`Gitea's Go module cannot be fetched: ${found.stderr.trim() || found.stdout.trim()}`);
        const source = JSON.parse(found.stdout).Dir;
        await install(folder, async (/** @type {string} */ temporary) => {
            const log = path.join(cache, "logs", "gitea.log");
            const args = [
                "build",
                "-mod=readonly",
                "-trimpath",
                "-buildvcs=false",
                "-tags",
                "sqlite sqlite_unlock_notify",
                "-ldflags",
                `-s -w -X main.Version=${VERSION}`,
                "-o",
                path.join(temporary, "gitea"),
                ".",
            ];
            // What a person does meanwhile goes before.
            const nice = onPath("nice", env.PATH);
            const result = await run(nice ?? go, nice ? ["-n", "15", go, ...args] : args, {
                cwd: source,
                env: own,
                log,
            });
            if (!result.ok)
                throw new Problem(
                    `Gitea was not built; it said:\n${result.tail.slice(-12).join("\n")}\nAll of it: ${log}`,
                );
            for (const name of STATIC) {
                fs.cpSync(path.join(source, name), path.join(temporary, name), { recursive: true });
            }
            // Modules are kept without a right to write, which would stay in the way of removing the copy.
            spawnSync("chmod", ["-R", "u+w", temporary]);
        });
    } finally {
        release();
    }
    return folder;
}

module.exports = { VERSION, giteaFolder };
