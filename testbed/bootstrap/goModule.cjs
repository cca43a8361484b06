// Programs that are built in the source of their Go module, with the versions that the module itself pins.
"use strict";
const { spawnSync } = require("node:child_process");
const { onPath, run } = require("./commands.cjs");
const { Problem } = require("./problem.cjs");

/**
 * The folder of a module's source, fetched if need be.
 * @param {string} go @param {string} pin a folder with a go.mod that requires it and a go.sum with its checksum
 * @param {string} module @param {NodeJS.ProcessEnv} env
 */
function sourceOf(go, pin, module, env) {
    const found = spawnSync(go, ["mod", "download", "-json", module], {
        cwd: pin,
        env: { ...env, GOWORK: "off", GOFLAGS: "" },
        encoding: "utf8",
    });
    if (found.status !== 0) {
        const said = found.stderr?.trim() || errorOf(found.stdout) || String(found.error);
        throw new Problem(`The Go module ${module} cannot be fetched: ${said}`);
    }
    return String(JSON.parse(found.stdout).Dir);
}

/** What `go mod download -json` says of a failure. @param {string | undefined} json */
function errorOf(json) {
    try {
        return String(JSON.parse(json ?? "").Error);
    } catch {
        return json?.trim();
    }
}

/**
 * Builds a program in its source. What a person does meanwhile goes before.
 * @param {string} go @param {string} source
 * @param {{ package: string, output: string, flags?: string[], linkerFlags?: string }} program
 * @param {{ env: NodeJS.ProcessEnv, log: string, onLine?: (line: string) => void }} options
 * @returns {Promise<string | undefined>} what it said where it failed
 */
async function buildIn(go, source, program, { env, log, onLine }) {
    const args = [
        "build",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        ...(program.flags ?? []),
        "-ldflags",
        `-s -w ${program.linkerFlags ?? ""}`.trim(),
        "-o",
        program.output,
        program.package,
    ];
    const nice = onPath("nice", env.PATH);
    const result = await run(nice ?? go, nice ? ["-n", "15", go, ...args] : args, {
        cwd: source,
        env: { ...env, GOWORK: "off", GOFLAGS: "" },
        log,
        ...(onLine && { onLine }),
    });
    return result.ok ? undefined : `${result.tail.slice(-12).join("\n")}\nAll of it: ${log}`;
}

module.exports = { buildIn, sourceOf };
