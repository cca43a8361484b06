// Official downloads: tried first, given up soon where they cannot be reached, and used only with the checksum that is
// pinned here. One that is fetched beside the archive says no more than that both came from the same place.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const path = require("node:path");
const { run } = require("./commands.cjs");
const pins = require("./pins.cjs");

/** Why a download was not used; the caller goes on without it. */
class Unavailable extends Error {}

const defaultLimits = {
    /** How long an origin may take to begin its answer. */
    answerMilliseconds: 5_000,
    /** How long a transfer may stand still. */
    stallMilliseconds: 15_000,
};

const originals = { pulumi: "https://get.pulumi.com" };

/**
 * An archive and its sha256, in hex; without one it is not fetched. `executable`: it is no archive but a program, and
 * this is its name.
 * @typedef {{ archive: string, sha256: string | undefined, executable?: string }} Source
 */

/** @param {typeof originals} [origins] @returns {Source} */
function pulumiSource(origins = originals) {
    const { archive, sha256 } = pins.pulumi.official;
    return { archive: `${origins.pulumi}/releases/sdk/${archive}`, sha256 };
}

/** @param {import("./pins.cjs").PluginPin} pin @param {typeof originals} [origins] @returns {Source} */
function pluginSource({ official: { archive, sha256 } }, origins = originals) {
    return { archive: `${origins.pulumi}/releases/plugins/${archive}`, sha256 };
}

/** @param {NodeJS.ProcessEnv} env @returns {Source} */
function zotSource(env) {
    const { url, official } = pins.zot(env);
    return { archive: url, sha256: official.sha256, executable: "zot" };
}

/**
 * Fetches a URL, following redirects.
 * @param {string} url
 * @param {(chunk: Buffer, received: number, total: number | undefined) => void} onChunk
 * @param {{ limits?: typeof defaultLimits, method?: "GET" | "HEAD", redirects?: number }} [options]
 * @returns {Promise<void>} rejects with Unavailable
 */
function request(url, onChunk, options = {}) {
    const limits = options.limits ?? defaultLimits;
    const { host, protocol } = new URL(url);
    return new Promise((resolve, reject) => {
        const fail = (/** @type {string} */ reason) => {
            clearTimeout(timer);
            sent.destroy();
            reject(new Unavailable(`${host} ${reason}`));
        };
        const answerSeconds = limits.answerMilliseconds / 1000;
        let timer = setTimeout(() => fail(`did not answer within ${answerSeconds} s`), limits.answerMilliseconds);
        const follow = (/** @type {http.IncomingMessage} */ answer) => {
            clearTimeout(timer);
            answer.resume();
            if (options.redirects === 0) return fail("redirects without end");
            const next = new URL(answer.headers.location ?? "", url);
            if (next.protocol !== protocol) return fail(`redirects to ${next.protocol}`);
            request(next.href, onChunk, { ...options, redirects: (options.redirects ?? 5) - 1 }).then(resolve, reject);
        };
        const sent = (protocol === "http:" ? http : https).request(
            url,
            { method: options.method ?? "GET" },
            (answer) => {
                const status = answer.statusCode ?? 0;
                if (status >= 300 && status < 400 && answer.headers.location) return follow(answer);
                if (status !== 200) return fail(`answered ${status} for ${new URL(url).pathname}`);
                const length = Number(answer.headers["content-length"]);
                const total = options.method !== "HEAD" && length > 0 ? length : undefined;
                let received = 0;
                const wait = () => {
                    clearTimeout(timer);
                    timer = setTimeout(
                        () => fail(`sent nothing for ${limits.stallMilliseconds / 1000} s`),
                        limits.stallMilliseconds,
                    );
                };
                wait();
                answer.on("data", (/** @type {Buffer} */ chunk) => {
                    wait();
                    received += chunk.length;
                    onChunk(chunk, received, total);
                });
                answer.on("error", (error) => fail(`broke off (${error.message})`));
                answer.on("end", () => {
                    clearTimeout(timer);
                    if (total !== undefined && received !== total) return fail(`sent ${received} of ${total} bytes`);
                    resolve();
                });
            },
        );
        sent.on("error", (error) =>
            fail(`cannot be reached (${/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message})`),
        );
        sent.end();
    });
}

/**
 * Whether the official downloads answer at all. @param {typeof originals} [origins] @param {typeof defaultLimits}
 * [limits]
 * @returns {Promise<string | undefined>} why not, or undefined if they do
 */
async function whyUnreachable(origins = originals, limits = defaultLimits) {
    try {
        await request(`${origins.pulumi}/releases/sdk/`, () => undefined, { method: "HEAD", limits });
        return undefined;
    } catch (error) {
        const reason = /** @type {Error} */ (error).message;
        // Any answer, a refusal too, means that it is there.
        return / answered \d+/.test(reason) ? undefined : reason;
    }
}

/** Why an archive is not fetched. @param {Source} source */
function withoutChecksum({ archive }) {
    return `${path.posix.basename(archive)} has no checksum in ${path.relative(pins.root, pins.archivesFile)}`;
}

/**
 * Downloads an archive, checks it against its pinned checksum and unpacks it; or a program, which it makes executable.
 * @param {Source} source @param {string} folder an empty one
 * @param {{ log: string, strip?: number, limits?: typeof defaultLimits, onProgress?: (fraction: number | undefined) =>
 * void }} options `strip`: how many leading folders of the archive's names to leave out
 * @returns {Promise<void>} rejects with Unavailable
 */
async function download(source, folder, options) {
    const limits = options.limits ?? defaultLimits;
    const name = path.posix.basename(new URL(source.archive).pathname);
    if (source.sha256 === undefined) throw new Unavailable(withoutChecksum(source));

    const file = path.join(folder, `.${name}`);
    const hash = crypto.createHash("sha256");
    const output = fs.openSync(file, "w");
    try {
        await request(
            source.archive,
            (chunk, received, total) => {
                fs.writeSync(output, chunk);
                hash.update(chunk);
                options.onProgress?.(total && received / total);
            },
            { limits },
        );
    } finally {
        fs.closeSync(output);
    }
    const found = hash.digest("hex");
    if (found !== source.sha256) throw new Unavailable(`${name} has the sha256 ${found}, pinned is ${source.sha256}`);

    if (source.executable !== undefined) {
        fs.chmodSync(file, 0o755);
        fs.renameSync(file, path.join(folder, source.executable));
        return;
    }
    const unpacked = await run("tar", ["-xzf", file, "-C", folder, `--strip-components=${options.strip ?? 0}`], {
        cwd: folder,
        env: process.env,
        log: options.log,
    });
    if (!unpacked.ok) throw new Unavailable(`${name} cannot be unpacked: ${unpacked.tail.join(" ")}`);
    fs.rmSync(file);
}

module.exports = {
    Unavailable,
    download,
    pluginSource,
    pulumiSource,
    request,
    whyUnreachable,
    withoutChecksum,
    zotSource,
};
