/** The same random requests to the stand-in and to a real zot, and the same answers. Runs where there is a real zot to ask. */
import * as fc from "fast-check";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { on } from "../../../testbed/contract/titles";
import { IdentityProvider, keyFor, person } from "./logins";
import { exchange, type Received, type Sent, sequences } from "./requests";
import { type Credentials, cleanUp, noRealZot, RunningZot, scratch, zots } from "./zots";

jest.setTimeout(300_000);
let provider: IdentityProvider | undefined;
afterAll(async () => {
    await cleanUp();
    await provider?.stop();
});

/** Sequences of about sixteen requests; another number, and another seed, are for looking further. */
const RUNS = Number(process.env["SAME_ANSWERS_RUNS"] ?? 60);
const SEED = Number(process.env["SAME_ANSWERS_SEED"] ?? 2120);

interface Side {
    server: RunningZot;
    users: Credentials[];
}

interface Difference {
    /** The requests that it takes, the last of which is answered differently. */
    requests: Sent[];
    standIn: Received;
    real: Received;
}

let runs = 0;

/** The first difference in random sequences, without the requests that have no part in it. */
async function firstDifference(sides: readonly Side[]): Promise<Difference | undefined> {
    const users = sides[0]?.users.length ?? 0;
    for (let index = 0; index < RUNS; index++) {
        const seed = SEED * 1000 + index;
        // In repositories and of contents of its own each time: only the seed decides what is sent.
        const send = async (kept: (index: number) => boolean): Promise<Difference | undefined> => {
            const [sequence = []] = fc.sample(sequences(`r${++runs}`, users), { numRuns: 1, seed });
            const requests = sequence.filter((_, at) => kept(at));
            const [standIn = [], real = []] = await Promise.all(
                sides.map((side) => exchange(side.server, requests, side.users)),
            );
            const at = requests.findIndex(
                (_, number) => JSON.stringify(inOrder(standIn[number])) !== JSON.stringify(inOrder(real[number])),
            );
            return at < 0
                ? undefined
                : { requests: requests.slice(0, at + 1), standIn: standIn[at] as Received, real: real[at] as Received };
        };
        let found = await send(() => true);
        if (!found) continue;
        const last = found.requests.length - 1;
        const dropped = new Set<number>();
        for (let candidate = last - 1; candidate >= 0; candidate--) {
            dropped.add(candidate);
            const shorter = await send((at) => at <= last && !dropped.has(at));
            if (shorter) found = shorter;
            else dropped.delete(candidate);
        }
        return found;
    }
    return undefined;
}

const inOrder = (received: Received | undefined) =>
    received && {
        ...received,
        headers: Object.entries(received.headers).sort(([one], [other]) => (one < other ? -1 : 1)),
    };

function expectNone(found: Difference | undefined): void {
    if (!found) return;
    const { requests, standIn, real } = found;
    expect({ requests, answer: standIn }).toEqual({ requests, answer: real });
}

(noRealZot ? describe.skip : describe)(skippable(on("both", "random requests"), noRealZot), () => {
    test("to a registry that anyone may write to", async () => {
        const sides: Side[] = [];
        for (const zot of zots) {
            const server = await RunningZot.start(zot, () => ({
                http: { allowOrigin: "https://ui.example.org", compat: ["docker2s2"] },
                extensions: { search: { enable: true }, ui: { enable: true }, metrics: { enable: true } },
            }));
            sides.push({ server, users: [] });
        }
        expectNone(await firstDifference(sides));
    });

    test("to a registry of three tiers, with API keys", async () => {
        provider = await IdentityProvider.start();
        const accessControl = {
            repositories: {
                "**": {
                    policies: [
                        { groups: ["artifact-workloads"], actions: ["read", "create"] },
                        { groups: ["admins"], actions: ["read", "create", "update", "delete"] },
                    ],
                    anonymousPolicy: ["read"],
                    defaultPolicy: ["read"],
                },
            },
            metrics: { anonymousPolicy: ["read"] },
        };
        const sides: Side[] = [];
        for (const zot of zots) {
            const folder = scratch();
            const server = await RunningZot.start(
                zot,
                (externalUrl) => ({
                    http: { externalUrl, auth: provider?.auth(folder), accessControl },
                    extensions: { metrics: { enable: true } },
                }),
                folder,
            );
            await provider.allows(server.url);
            const users: Credentials[] = [];
            for (const who of [person("visitor"), person("zot-ci", "artifact-workloads"), person("root", "admins")])
                users.push(await keyFor(provider, server, who));
            sides.push({ server, users: [...users, ["root", "no key"]] });
        }
        expectNone(await firstDifference(sides));
    });
});
