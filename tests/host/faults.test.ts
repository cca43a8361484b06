/** A selection of the faults of `npm run faults`, and what the watch and the model make of histories. */

import end from "../../host/end.sh";
import rollback from "../../host/rollback.sh";
import { falseClaims, holesIn } from "../../testbed/faults/claims";
import { type Injection, Injector, type Outcome } from "../../testbed/faults/injections";
import { breaches } from "../../testbed/faults/model";
import { faultPlan, nameOf } from "../../testbed/faults/plan";
import type { History } from "../../testbed/faults/watch";

jest.setTimeout(180_000);

describe("the deployment", () => {
    let injector: Injector;
    let steps: string[];

    beforeAll(async () => {
        injector = await Injector.start();
        steps = await injector.steps();
    });
    afterAll(() => injector?.stop());

    const run = async (injection: Omit<Injection, "name">): Promise<Outcome> =>
        injector.run({ ...injection, name: nameOf(injection.fault) });
    const stepOf = (pattern: RegExp) => {
        const number = steps.findIndex((step) => pattern.test(step)) + 1;
        if (number === 0) throw new Error(`No step is ${pattern}: ${steps.join("\n")}`);
        return number;
    };
    const survives = async (injection: Omit<Injection, "name">) => {
        const { problems, step } = await run(injection);
        expect({ step, problems }).toEqual({ step, problems: [] });
    };

    it.each([
        ["before anything is kept", /\/config PAYLOAD|mkdir .*staging/],
        ["with everything staged", /^mv .*staging .*pushes/],
        ["just before the rename", /^mv -f .*live\.json/],
        ["just before the restart", /^restart-zot/],
        ["before the proof", /^curl .*\/v2\/(?!zot)/],
        ["before it is marked as proven", /^rm -f .*unproven/],
    ])("that is killed %s leaves a registry that serves, and the next one finds its way", async (_name, step) => {
        await survives({ fault: { kind: "script killed" }, step: stepOf(step) });
    });

    it.each([
        ["just before the restart", /^restart-zot/],
        ["before it is marked as proven", /^rm -f .*unproven/],
    ])("survives that the machine stops %s", async (_name, step) => {
        await survives({ fault: { kind: "machine stops" }, step: stepOf(step) });
    });

    it.each(["hardened", "nothing", "open"] as const)(
        "is rolled back where zot dies of the new config, from %s",
        async (from) => {
            await survives({ fault: { kind: "serve", fault: "dies" }, from });
        },
    );

    it("of a destroy is rolled back where zot dies of the read-only config", async () => {
        await survives({ fault: { kind: "serve", fault: "dies" } });
        const { problems } = await run({ fault: { kind: "serve", fault: "dies" }, verb: "withdraw" });
        expect(problems).toEqual([]);
    });

    it("is carried to its end where the connection is cut", async () => {
        await survives({ fault: { kind: "connection cut" }, step: stepOf(/^zot verify/) });
    });

    it.each([
        ["while it stages", /^cp .*live\.json/],
        ["after the rename", /^restart-zot/],
    ])("survives a disk that is full %s", async (_name, step) => {
        await survives({ fault: { kind: "disk full" }, step: stepOf(step) });
    });

    it("takes back what was put into force where it is stopped by a signal", async () => {
        await survives({ fault: { kind: "script stopped" }, step: stepOf(/^restart-zot/) });
    });

    it("waits for another deployment", async () => {
        await survives({ fault: { kind: "second deployment" }, step: stepOf(/^zot verify/) });
    });

    it("survives that another program takes the port", async () => {
        await survives({ fault: { kind: "restart", fault: "port taken" } });
    });
});

describe("the model", () => {
    const history = (served: string[], disk: string[], longestGapMs = 0): History => ({
        served: served.map((what, at) => ({ at, what })),
        disk: disk.map((what, at) => ({ at, what })),
        broken: [],
        pulls: { good: 1, bad: 0, longestGapMs },
        goodPulls: [],
    });

    it("allows the way forth, and forth and back", () => {
        for (const served of [
            ["a"],
            ["a", "down", "b"],
            ["a", "b"],
            ["a", "down", "a"],
            ["a", "down", "b", "down", "a"],
        ]) {
            expect(breaches(history(served, ["a", "b"]), { old: "a", deployed: ["b"] })).toEqual([]);
        }
        expect(
            breaches(history(["a", "down", "read-only"], ["a", "b", "a", "read-only"]), {
                old: "a",
                deployed: ["b"],
                readOnly: true,
            }),
        ).toEqual([]);
    });

    it("finds what is none of the two, torn, or changes too often", () => {
        const expected = { old: "a", deployed: ["b"], longestGapMs: 500 };
        expect(breaches(history(["a", "open", "b"], ["a"]), expected)).toEqual(["after 1 ms open served"]);
        expect(breaches(history(["a", "read-only"], ["a", "torn", "b"]), expected)).toEqual([
            "after 1 ms the config on the disk was torn",
            "after 1 ms read-only served",
        ]);
        expect(breaches(history(["a", "b", "a", "b"], ["a"]), expected)).toEqual([
            "what served changed too often: a, b, a, b",
        ]);
        expect(breaches(history(["a"], ["a"], 900), expected)).toEqual(["pulls failed for 900 ms, and may for 500"]);
        expect(breaches({ ...history(["a"], ["a"]), broken: ["a secret is missing"] }, expected)).toEqual([
            "a secret is missing",
        ]);
    });
});

describe("the plan", () => {
    it("has every fault at every step of a change, and nothing twice", async () => {
        const steps = Array.from({ length: 20 }, (_, index) => (index === 3 ? "zot verify x" : `step ${index}`));
        const plan = await faultPlan({ steps: async () => steps } as unknown as Injector);
        const all = plan.flatMap(({ injections }) => injections);
        const keys = all.map(({ name, step }) => `${name} ${step ?? ""}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const kind of ["connection cut", "script killed", "machine stops", "disk full", "disk read-only"]) {
            expect(all.filter(({ name, step }) => name === `change: ${kind}` && step !== undefined)).toHaveLength(20);
        }
        expect(plan.some(({ title }) => title === "change: from the beginning")).toBe(true);
        expect(all.some(({ name }) => name === "destroy: issuer down")).toBe(false);
    });
});

describe("what a failed deployment says", () => {
    const found = (old: string, served: string, disk: string) => ({ old, served, disk });

    it("is held against what a look finds", () => {
        const back =
            "zot-hardening: zot ended. [ZH-DEPLOY-ZOT-ENDED]\nThe config that was in force before is back, " +
            "and zot is ready with it. [ZH-ROLLBACK-DONE]\n";
        expect(falseClaims(back, found("a", "a", "a"))).toEqual([]);
        for (const wrong of [found("a", "down", "a"), found("a", "b", "a"), found("a", "a", "b")])
            expect(falseClaims(back, wrong)).toHaveLength(1);
        const none =
            "There was no config before this deployment, and now there is none again; zot does not run. " +
            "[ZH-ROLLBACK-NONE]\n";
        expect(falseClaims(none, found("none", "down", "none"))).toEqual([]);
        expect(falseClaims(none, found("open", "open", "none"))).toHaveLength(1);
        expect(falseClaims("zot-hardening: it went wrong.\n", found("a", "a", "a"))).toHaveLength(1);
    });

    it("is held against every sentence that the script can end with", () => {
        const said = [...`${rollback}\n${end}`.matchAll(/warn "([^"]*(?:\\"[^"]*)*)"/g)]
            .map(([, text]) => text!)
            .filter((text) => !text.startsWith("zot-hardening: "))
            // They say what became of a command, before another sentence says how things are.
            .filter((text) => !text.includes("[ZH-RESTART-"));
        expect(said.length).toBeGreaterThan(8);
        const filled = said.map((text) =>
            text
                .replace(/\$\((?:[^()]|\([^()]*\))*\)/g, "")
                .replace(/\$\{[^}]*\}/g, "")
                .replace(/\$\w+/g, "x"),
        );
        const unknown = filled.filter((text) =>
            falseClaims(`${text}\n`, found("a", "a", "a"))[0]?.includes("did not say how things are"),
        );
        expect(unknown).toEqual([]);
    });

    it("has no hole", () => {
        for (const good of [
            "zot-hardening: a: b; c (d).\nThe last words of zot:\nError: x\n",
            "at http://127.0.0.1:5000.",
        ])
            expect(holesIn(good.replace("zot:\n", "zot: "))).toEqual([]);
        for (const bad of [
            "belongs to user 0 instead of ;",
            "zot was not ready: ",
            "without a password ()",
            "runs as the user .",
            "zot  ended",
            "The last words of zot:\nThe config that was in force before is back",
            'set it to ""',
        ])
            expect({ bad, holes: holesIn(bad).length > 0 }).toEqual({ bad, holes: true });
    });
});
