/** How long a client that pulls all along goes without an answer while a right is deployed, and while zot restarts. */
import { request as httpRequest } from "node:http";
import { performance } from "node:perf_hooks";
import type { Site } from "../site";
import { type Comparison, compared, inTurn } from "./comparison";
import { type Measured, rightChanger } from "./everyday";
import { FIRST_TAG, MANIFEST_TYPE, PULLED } from "./images";
import { finish, operate } from "./preview";

/** The pause between two requests, in milliseconds. */
const PAUSE = 3;
/** After so many milliseconds without an answer a request is given up. */
const TIMEOUT = 3000;

/** The time between two answers, in milliseconds. */
export interface Gaps {
    longest: number;
    "99th": number;
    "50th": number;
}

/** Of moments at which a client had what it asked for, in their order. @throws Error if there are fewer than two */
export function gapsOf(moments: readonly number[]): Gaps {
    const gaps = moments.slice(1).map((moment, index) => moment - moments[index]!);
    if (gaps.length === 0) throw new Error("no two answers, no time between them");
    gaps.sort((a, b) => a - b);
    const percentile = (percent: number) => gaps[Math.ceil((gaps.length * percent) / 100) - 1]!;
    return { longest: gaps.at(-1)!, "99th": percentile(99), "50th": percentile(50) };
}

interface Watched {
    gaps: Gaps;
    seconds: number;
}

/** Deployments of a changed right, each in turn with a restart of zot that is watched for as long. */
export async function measureGap(measured: Measured): Promise<Comparison[]> {
    const { root, site, demo, scratch, runs, say } = measured;
    const changeRight = rightChanger(measured);
    let asLong = 0;
    const results = await inTurn(
        runs,
        {
            deployment: async () => {
                changeRight();
                const one = await watched(site, () => operate(scratch.toolchain, root, demo, "up"));
                asLong = one.seconds;
                return one;
            },
            restart: () => watched(site, () => restartFor(site, asLong)),
        },
        (text) => say(`gap: ${text}`),
    );
    const figures = (name: keyof Gaps, of: Watched[]) => of.map(({ gaps }) => gaps[name]);
    return (["longest", "99th", "50th"] as const).map((name) =>
        compared(
            `deployment of a right: ${name}`,
            "a restart of zot",
            { ours: figures(name, results.deployment), other: figures(name, results.restart) },
            { unit: "ms" },
        ),
    );
}

/** As a service manager restarts it, and then nothing until so many seconds are over. */
async function restartFor(site: Site, seconds: number): Promise<void> {
    const began = performance.now();
    await finish(site.zot.restartCommand, [], { cwd: site.folder, env: process.env });
    const left = seconds * 1000 - (performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, Math.max(left, 0)));
}

/** Pulls from before some work until after it. @throws Error if zot was not restarted by it */
async function watched(site: Site, work: () => Promise<unknown>): Promise<Watched> {
    const before = site.zot.pid();
    const moments: number[] = [];
    let isOver = false;
    const pulling = (async () => {
        // The last one is after the work, so that a gap at its end counts whole.
        for (let isLast = false; !isLast; ) {
            const ends = isOver;
            const isGood = await pull(site.registryUrl);
            if (isGood) moments.push(performance.now());
            isLast = ends && isGood;
            await new Promise((resolve) => setTimeout(resolve, PAUSE));
        }
    })();
    const began = performance.now();
    try {
        await work();
    } finally {
        isOver = true;
    }
    const seconds = (performance.now() - began) / 1000;
    await pulling;
    if (site.zot.pid() === before) throw new Error("zot was to be restarted, and was not.");
    return { gaps: gapsOf(moments), seconds };
}

/** Whether a manifest came, over a connection of its own. */
function pull(url: string): Promise<boolean> {
    return new Promise((resolve) => {
        const outgoing = httpRequest(
            new URL(`/v2/${PULLED}/manifests/${FIRST_TAG}`, url),
            { headers: { accept: MANIFEST_TYPE }, agent: false, timeout: TIMEOUT },
            (incoming) => {
                incoming.resume();
                incoming.on("end", () => resolve(incoming.statusCode === 200));
                incoming.on("error", () => resolve(false));
            },
        );
        outgoing.on("timeout", () => outgoing.destroy());
        outgoing.on("error", () => resolve(false));
        outgoing.end();
    });
}
