// npm run lint: what a formatter, linters and a spelling check find in the whole tree, and one closing line.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { cacheFolder } = require("./cache.cjs");
const { onPath } = require("./commands.cjs");
const pins = require("./pins.cjs");

/** @typedef {{ found: string[] } | { lacks: string }} Result findings, a line each; or why nothing was looked at */
/** @typedef {{ name: string, check: (context: Context) => Result }} Check */
/**
 * @typedef {{ node: string, env: NodeJS.ProcessEnv, files: string[] }} Context `files`: what git knows, from the root
 */

/** Longest line of prose, in characters: Markdown's tables, code and lines of one word are as long as they are. */
const proseWidth = 140;
/** Longest file of code, in lines once formatted. */
const longestFile = 400;
/** Longest line of code, and the share of lines that may be longer: messages and patterns that stand whole. */
const codeWidth = 120;
const wideShare = 0.005;

/** Tables of data: as long as what they list. */
const tables = [/^providers\/authentik\/resources\//, /\.(snap|json)$/, /^sdks\//, /^testbed\/toolchain\//];

/** @param {string} text @param {string} [command] for the case that nothing was printed @returns {string[]} */
const lines = (text, command) => {
    const found = text.split("\n").filter((line) => line.trim() !== "");
    return found.length > 0 || !command ? found : [`${command} failed and said nothing`];
};

/**
 * @param {string} file @param {string[]} args @param {NodeJS.ProcessEnv} env @param {string} [input]
 * @returns {Result}
 */
function findingsOf(file, args, env, input) {
    const ran = spawnSync(file, args, { cwd: pins.root, env, input, encoding: "utf8", maxBuffer: 1 << 28 });
    if (ran.error) return { found: [`${file} could not be run: ${ran.error.message}`] };
    return { found: ran.status === 0 ? [] : lines(`${ran.stdout}\n${ran.stderr}`, path.basename(file)) };
}

/** @param {string} name @param {string} file */
const ofPackage = (name, file) => path.join(pins.root, "node_modules", name, file);

/** @param {string[]} files @returns {string[]} files that a shell reads: by their name or their first line */
const shellFiles = (files) =>
    files.filter((file) => {
        if (/\.sh$/.test(file)) return true;
        if (path.extname(file) !== "") return false;
        return /^#!.*\b(ba|da)?sh\b/.test(fs.readFileSync(path.join(pins.root, file), "utf8").split("\n", 1)[0] ?? "");
    });

/**
 * @param {NodeJS.ProcessEnv} env @returns {{ file: string } | { lacks: string }} the one on PATH, else one that is
 * built from its Go module
 */
function shfmt(env) {
    const module = path.join(pins.toolchainFolder, "shfmt");
    const built = path.join(cacheFolder(), `shfmt-${pins.fingerprint(module)}`, "shfmt");
    if (fs.existsSync(built)) return { file: built };
    const go = onPath("go", env.PATH);
    if (!go) {
        const installed = onPath("shfmt", env.PATH);
        return installed ? { file: installed } : { lacks: "there is neither Go, to build shfmt, nor shfmt on PATH" };
    }
    fs.mkdirSync(path.dirname(built), { recursive: true });
    const unfinished = `${built}.${process.pid}`;
    const args = ["build", "-mod=readonly", "-trimpath", "-o", unfinished, "mvdan.cc/sh/v3/cmd/shfmt"];
    const ran = spawnSync(go, args, {
        cwd: module,
        env: { ...env, CGO_ENABLED: "0", GOWORK: "off" },
        encoding: "utf8",
    });
    if (ran.status !== 0) return { lacks: `shfmt could not be built: ${lines(ran.stderr ?? "", "go build").at(-1)}` };
    fs.renameSync(unfinished, built);
    return { file: built };
}

/**
 * The scripts that are put together from parts, as a host gets them. @param {string} node @param {NodeJS.ProcessEnv}
 * env
 */
function hostScripts(node, env) {
    const print = `
        const { buildSync } = require("esbuild");
        const built = buildSync({ entryPoints: ["host/scripts.ts"], bundle: true, platform: "node", format: "cjs",
            packages: "external", loader: { ".sh": "text" }, write: false });
        const module = { exports: {} };
        new Function("module", "exports", "require", built.outputFiles[0].text)(module, module.exports, require);
        const { deploymentScript, inspectionScript, zotStartScript } = module.exports;
        process.stdout.write(JSON.stringify({ deploymentScript, inspectionScript, zotStartScript }));`;
    const ran = spawnSync(node, ["-e", print], { cwd: pins.root, env, encoding: "utf8", maxBuffer: 1 << 26 });
    if (ran.status !== 0) throw new Error(`The scripts for the host could not be put together: ${ran.stderr}`);
    return /** @type {{ deploymentScript: string, inspectionScript: string, zotStartScript: string }} */ (
        JSON.parse(ran.stdout)
    );
}

/** @param {string} text @returns {[number, string][]} its lines of prose, numbered from 1 */
function prose(text) {
    /** @type {[number, string][]} */
    const found = [];
    let isCode = false;
    text.split("\n").forEach((line, index) => {
        if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
        else if (!isCode && !/^\s*\|/.test(line)) found.push([index + 1, line]);
    });
    return found;
}

/** @type {Check[]} */
const checks = [
    {
        name: "Biome: format, order of imports, lint",
        check: ({ node, env }) =>
            findingsOf(
                node,
                [ofPackage("@biomejs/biome", "bin/biome"), "ci", "--error-on-warnings", "--colors=off"],
                env,
            ),
    },
    {
        name: "shfmt: format of shell",
        check: ({ env, files }) => {
            const formatter = shfmt(env);
            return "lacks" in formatter ? formatter : findingsOf(formatter.file, ["-d", ...shellFiles(files)], env);
        },
    },
    {
        name: "shellcheck",
        check: ({ node, env, files }) => {
            const linter = onPath("shellcheck", env.PATH);
            if (!linter) return { lacks: "there is no shellcheck on PATH (Debian's package shellcheck)" };
            // Parts of a script know nothing of each other: those of the host are looked at as they are put together.
            const whole = shellFiles(files).filter((file) => !/^(host|providers)\//.test(file));
            const scripts = hostScripts(node, env);
            const start = `#!/bin/sh\nbinary=/zot\nconfig=/config\nstate=/state\nauthorities=\n${scripts.zotStartScript}`;
            const observation = [
                scripts.inspectionScript,
                fs.readFileSync(path.join(pins.root, "providers/zot/hostObservation.sh"), "utf8"),
                "observe\n",
            ].join("\n");
            // SC2317: what a trap calls seems unreachable. SC1091: what is sourced is looked at by itself.
            const args = ["--format=gcc", "--exclude=SC2317,SC1091"];
            const results = [
                findingsOf(linter, [...args, ...whole], env),
                findingsOf(linter, [...args, "--shell=sh", "-"], env, scripts.deploymentScript),
                findingsOf(linter, [...args, "--shell=sh", "-"], env, start),
                // SC2154, SC2034: its variables stand below it, where it is sent.
                findingsOf(linter, [...args, "--exclude=SC2154,SC2034", "--shell=sh", "-"], env, observation),
            ];
            return { found: results.flatMap((result) => ("found" in result ? result.found : [])) };
        },
    },
    {
        name: "cspell: spelling",
        check: ({ node, env }) =>
            findingsOf(
                node,
                [ofPackage("cspell", "bin.mjs"), "--no-progress", "--no-summary", "--no-color", "**"],
                env,
            ),
    },
    {
        name: `Markdown: prose of at most ${proseWidth} columns`,
        check: ({ files }) => ({
            found: files
                .filter((file) => file.endsWith(".md"))
                .flatMap((file) =>
                    prose(fs.readFileSync(path.join(pins.root, file), "utf8"))
                        .filter(([, line]) => line.length > proseWidth && /\S\s+\S/.test(line))
                        .map(([number, line]) => `${file}:${number}: ${line.length} columns`),
                ),
        }),
    },
    {
        name:
            `Code: files of at most ${longestFile} lines, ` +
            `under ${wideShare * 100} % of the lines wider than ${codeWidth}`,
        check: ({ files }) => {
            const code = files.filter(
                (file) => /\.(ts|cjs|cts|sh)$/.test(file) && !tables.some((table) => table.test(file)),
            );
            const texts = code.map((file) => ({
                file,
                lines: fs.readFileSync(path.join(pins.root, file), "utf8").split("\n"),
            }));
            const found = texts
                .filter((text) => text.lines.length - 1 > longestFile)
                .map((text) => `${text.file}: ${text.lines.length - 1} lines`);
            const all = texts.flatMap((text) => text.lines);
            const wide = all.filter((line) => line.length > codeWidth).length;
            if (wide > all.length * wideShare) found.push(`${wide} of ${all.length} lines are wider than ${codeWidth}`);
            return { found };
        },
    },
];

/**
 * @param {import("./toolchain.cjs").Toolchain} toolchain @param {string[]} args @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
async function lint(toolchain, args, env) {
    if (args.length > 0) {
        const isHelp = args[0] === "--help" || args[0] === "-h";
        (isHelp ? process.stdout : process.stderr).write(
            `Usage: npm run lint\n\nLooks at the whole tree, changes nothing (npm run format does), ` +
                `and ends with 1 where something is found:\n${checks.map(({ name }) => `  ${name}\n`).join("")}`,
        );
        return isHelp ? 0 : 2;
    }
    const git = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
        cwd: pins.root,
        encoding: "utf8",
    });
    if (git.status !== 0) throw new Error(`git ls-files failed: ${git.error?.message ?? git.stderr}`);
    const files = git.stdout.split("\0").filter((file) => file !== "" && fs.existsSync(path.join(pins.root, file)));
    let findings = 0;
    for (const { name, check } of checks) {
        const result = check({ node: toolchain.node.path, env, files });
        const found = "found" in result ? result.found : [`nothing was looked at: ${result.lacks}`];
        process.stdout.write(
            `${found.length === 0 ? "ok  " : "FAIL"}  ${name}\n${found.map((line) => `      ${line}\n`).join("")}`,
        );
        findings += found.length;
    }
    process.stdout.write(findings === 0 ? "Nothing was found.\n" : `Found: ${findings} lines of findings.\n`);
    return findings === 0 ? 0 : 1;
}

module.exports = { lint };
