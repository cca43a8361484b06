/**
 * npm run race: how often two pushes of different content to one new tag are both accepted, by what stands in front of
 * the registry and on how many machines it runs.
 */
import { join } from "node:path";
import { command, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { UserError } from "../../clients/userError";
import { readMachine } from "../bootstrap/toolchain.cjs";
import { checkoutOf } from "../checkout";
import { count } from "../count";
import { type Manner, type Outcome, raceOn } from "../race/pushes";
import type { Site } from "../site";
import { type Machine, settingsOnMachines, startMachine } from "../site/machines";
import { freePort } from "../site/ports";
import { noProxy, startProxy } from "../site/proxy";
import { onScratchSite } from "../site/scratchStack";
import { noSharedState, startSharedState } from "../site/sharedState";

import program = require("../../index");

interface Options {
    json?: boolean;
    rounds: number;
}

interface Row extends Outcome {
    /** Where the images are, and on how many machines zot runs. */
    on: string;
    through: "nothing" | "nginx";
    /** How the two pushes were sent. */
    manner: Manner;
}

const REPOSITORY = "team/app";

async function race({ json = false, rounds }: Options): Promise<void> {
    const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
    if (readMachine().zot.kind !== "real")
        throw new UserError(
            "The race is zot's, and there is no real zot here: name its binary by ZOT, or have it on the PATH.",
        );
    const rows: Row[] = [];
    const left = [await onOneMachine(rounds, rows, say), await onTwoMachines(rounds, rows, say)].flat();
    if (json) process.stdout.write(`${JSON.stringify({ rows, left }, null, 2)}\n`);
    else for (const line of ["", ...tableOf(rows), ...left]) say(line);
}

/** The usual one: images on its own disk. Answers what was left out, and why. */
async function onOneMachine(rounds: number, rows: Row[], say: (text: string) => void): Promise<string[]> {
    const missing: string[] = [];
    await onScratchSite(checkoutOf(__dirname), program, async ({ site, scratch, step, up }) => {
        say("one machine: pulumi up");
        await up();
        const key = await keyIn(scratch.stack.outputs());
        const url = site.registryUrl;
        missing.push(
            ...(await step(() => straightAndThrough(site, [url], key, "one machine, its disk", rounds, rows, say))),
        );
    });
    return missing;
}

async function onTwoMachines(rounds: number, rows: Row[], say: (text: string) => void): Promise<string[]> {
    const without = noSharedState();
    if (without) return [`Two machines are left out: ${without}.`];
    const shared = await startSharedState();
    const missing: string[] = [];
    const machines: Machine[] = [];
    try {
        await onScratchSite(checkoutOf(__dirname), program, async ({ site, scratch, step, up }) => {
            try {
                await step(async () => {
                    for (const name of ["one", "two"]) machines.push(await startMachine(site, shared, name));
                });
                scratch.changeSettings(settingsOnMachines(shared, machines[0]!.url));
                scratch.changeSettings({ host: { members: machines.map(({ member }) => member) } });
                say("two machines: pulumi up");
                await up();
                const key = await keyIn(scratch.stack.outputs());
                const urls = machines.map(({ url }) => url);
                const measure = (on: string, of: string[]) =>
                    step(() => straightAndThrough(site, of, key, on, rounds, rows, say));
                missing.push(...(await measure("one machine, a bucket", urls.slice(0, 1))));
                await measure("two machines, a bucket", urls);
            } finally {
                await Promise.all(machines.map((machine) => machine.stop()));
            }
        });
    } finally {
        shared.stop();
    }
    return missing;
}

const keyIn = async (outputs: Promise<Record<string, { value: unknown }>>) => (await outputs).ciApiKey!.value as string;

async function straightAndThrough(
    site: Site,
    urls: string[],
    key: string,
    on: string,
    rounds: number,
    rows: Row[],
    say: (text: string) => void,
): Promise<string[]> {
    const measure = async (through: Row["through"], targets: readonly [string, string]) => {
        for (const manner of ["whole", "held"] as const) {
            say(`${on}, through ${through}: ${rounds} rounds, ${MANNERS[manner]}`);
            const outcome = await raceOn({ urls: targets, key, repository: REPOSITORY, manner, rounds });
            say(`  both accepted: ${outcome.both} of ${rounds}`);
            rows.push({ on, through, manner, ...outcome });
        }
    };
    await measure("nothing", [urls[0]!, urls.at(-1)!]);
    const missing = noProxy("nginx");
    if (missing) return [`${on}, through nginx, is left out: ${missing}.`];
    const proxy = await startProxy("nginx", {
        root: checkoutOf(__dirname),
        folder: join(site.folder, `nginx-${urls.length}`),
        port: await freePort(),
        machines: urls.map((url) => new URL(url).host),
    });
    try {
        await measure("nginx", [proxy.url, proxy.url]);
    } finally {
        await proxy.stop();
    }
    return [];
}

const MANNERS: Record<Manner, string> = { whole: "both at once", held: "one is held" };

/** A row for each way, with what came of its rounds. */
function tableOf(rows: readonly Row[]): string[] {
    const cells = (row: readonly string[]) =>
        `${row[0]!.padEnd(24)}${row[1]!.padEnd(9)}${row[2]!.padEnd(15)}${row
            .slice(3)
            .map((cell) => cell.padStart(14))
            .join("")}`;
    return [
        cells(["on", "through", "manifests", "rounds", "both accepted", "per thousand", "then lost"]),
        ...rows.map(({ on, through, manner, rounds, both, lost }) =>
            cells([
                on,
                through,
                MANNERS[manner],
                `${rounds}`,
                `${both}`,
                ((both / rounds) * 1000).toFixed(0),
                `${lost}`,
            ]),
        ),
    ];
}

const raceCommand = command(
    "npm run race --",
    "Measures zot's tag race: two pushes of different content to one new tag at once, with CI's key under the " +
        "program's policy, and how often both are accepted; straight and through nginx, on one machine and on two.",
    "ZOT=/usr/local/bin/zot npm run race -- --rounds 500 --json",
)
    .option("--rounds <number>", "how many new tags are raced for in each way", count, 200)
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .addHelpText(
        "after",
        `
Each round is sent in two manners: both at once, each whole, as clients send a manifest; and one held, as somebody does who wants to overwrite: its
headers first, and its body half a second after the other one has pushed.
It needs a real zot (ZOT, or on the PATH); for two machines redis-server and moto_server, for a proxy nginx: what is missing is left out, and said.
`,
    )
    .addHelpText(
        "after",
        exitCodes("measured", "it could not be done", undefined, interruptedCodes(", and cleared up")),
    )
    .action(race);
void run(raceCommand);
