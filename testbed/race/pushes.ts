/** Two simultaneous pushes of one new tag with different content, as often as requested, and their results. */
import { randomBytes } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import { digestOf, RegistryClient } from "../../clients/zot/registry";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

/**
 * How the two send their manifests: both whole and at once, as clients do; or one of them its headers first and its
 * body a moment later, while the other one pushes whole.
 */
export type Manner = "whole" | "held";

export interface Outcome {
    rounds: number;
    /** Both were answered with 201. */
    both: number;
    one: number;
    none: number;
    /** Of manifests that were accepted, those that are not there afterwards by their digest. */
    lost: number;
}

export interface RaceOptions {
    /** Where the first and the second push go. */
    urls: readonly [string, string];
    key: string;
    /** One that CI may push to. */
    repository: string;
    manner: Manner;
    rounds: number;
}

/** When the other one pushes while one is held, and when that one sends its body; in milliseconds. */
const HELD = { other: 100, body: 600 };
/** How many rounds of held pushes go on side by side: they wait most of the time. */
const SIDE_BY_SIDE = 5;

/** Carries out the rounds. */
export async function raceOn({ urls, key, repository, manner, rounds }: RaceOptions): Promise<Outcome> {
    const credentials = { username: "zot-ci", key };
    const client = new RegistryClient(urls[0], credentials);
    // The blobs of all images, once; only the manifests differ.
    const own = randomBytes(6).toString("hex");
    const first = await client.push(repository, `race-${own}`, "layer");
    if (first !== 201) throw new Error(`CI's first push to ${repository} at ${urls[0]} was answered with ${first}.`);

    const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
    const authorization = `Basic ${Buffer.from(`${credentials.username}:${key}`).toString("base64")}`;
    const outcome: Outcome = { rounds, both: 0, one: 0, none: 0, lost: 0 };
    async function round(index: number): Promise<void> {
        const manifests = [0, 1].map((which) => manifestOf(`${own}-${index}-${which}`));
        const path = `/v2/${repository}/manifests/race-${own}-${index}`;
        const pushes = manifests.map((manifest, which) => {
            const waits = manner === "whole" ? {} : which === 0 ? { body: HELD.body } : { begin: HELD.other };
            return push(new URL(path, urls[which]), authorization, manifest, agents[which]!, waits);
        });
        const statuses = await Promise.all(pushes);
        const accepted = manifests.filter((_, which) => statuses[which] === 201);
        outcome[accepted.length === 2 ? "both" : accepted.length === 1 ? "one" : "none"]++;
        if (accepted.length < 2) return;
        for (const manifest of accepted)
            if ((await client.pull(repository, digestOf(manifest))) !== 200) outcome.lost++;
    }
    let next = 0;
    const work = async () => {
        while (next < rounds) await round(next++);
    };
    try {
        await Promise.all(Array.from({ length: manner === "held" ? SIDE_BY_SIDE : 1 }, work));
    } finally {
        for (const agent of agents) agent.destroy();
    }
    return outcome;
}

function manifestOf(content: string): string {
    const descriptor = (mediaType: string, blob: string) => ({ mediaType, digest: digestOf(blob), size: blob.length });
    return JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor("application/vnd.oci.empty.v1+json", "{}"),
        layers: [descriptor("application/vnd.oci.image.layer.v1.tar", "layer")],
        annotations: { content },
    });
}

/**
 * The status; 0 if there is no answer.
 *
 * @param waits before it begins, and before its body is sent; in milliseconds
 */
async function push(
    url: URL,
    authorization: string,
    manifest: string,
    agent: Agent,
    { begin, body }: { begin?: number; body?: number },
): Promise<number> {
    if (begin !== undefined) await pause(begin);
    const outgoing = httpRequest(url, {
        method: "PUT",
        agent,
        headers: { authorization, "content-type": MANIFEST_TYPE, "content-length": Buffer.byteLength(manifest) },
        timeout: 30_000,
    });
    const status = new Promise<number>((resolve) => {
        outgoing.on("response", (incoming) => {
            incoming.resume();
            incoming.once("end", () => resolve(incoming.statusCode ?? 0));
        });
        outgoing.on("timeout", () => outgoing.destroy());
        outgoing.on("error", () => resolve(0));
    });
    if (body !== undefined) {
        outgoing.flushHeaders();
        await pause(body);
    }
    outgoing.end(manifest);
    return status;
}

const pause = (milliseconds: number) => new Promise((passed) => setTimeout(passed, milliseconds));
