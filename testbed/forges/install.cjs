// A real Gitea, built from its Go module: for `npm run forges` alone.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { cacheFolder, install, lock } = require("../bootstrap/cache.cjs");
const { isExecutable, onPath } = require("../bootstrap/commands.cjs");
const { buildIn, sourceOf } = require("../bootstrap/goModule.cjs");
const { findGo } = require("../bootstrap/install.cjs");
const pins = require("../bootstrap/pins.cjs");
const { Problem } = require("../bootstrap/problem.cjs");

const VERSION = "1.25.2";
/** Names the module with its checksum; the module itself pins its own dependencies. */
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
        const own = { ...env, CGO_ENABLED: "1" };
        const source = sourceOf(go, pin, "code.gitea.io/gitea", own);
        await install(folder, async (/** @type {string} */ temporary) => {
            const said = await buildIn(
                go,
                source,
                {
                    package: ".",
                    output: path.join(temporary, "gitea"),
                    flags: ["-tags", "sqlite sqlite_unlock_notify"],
                    linkerFlags: `-X main.Version=${VERSION}`,
                },
                { env: own, log: path.join(cache, "logs", "gitea.log") },
            );
            if (said !== undefined) throw new Problem(`Gitea was not built; it said:\n${said}`);
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
