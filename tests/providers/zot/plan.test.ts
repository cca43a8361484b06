import fc from "fast-check";
import { durationOf, durationText } from "../../../clients/durations";
import type { ApiKeyRecord, ApiKeys } from "../../../clients/zot/apiKeys";
import { labelFor, ownerIn, ownerOf } from "../../../clients/zot/keyOwner";
import { AfterMinting, type CarriedOut, carryOut } from "../../../providers/zot/carryOut";
import { due, type KeyState, plan, predecessorOf, rotateAt, type Wanted } from "../../../providers/zot/plan";

const OWNER = { project: "zot-hardening", stack: "prod", name: "registry" };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse("2026-11-23T08:00:00Z");
const at = (offset: number) => new Date(START + offset);

const wanted: Wanted = { lifetime: 90 * DAY, rotateAfter: 60 * DAY, predecessorLifetime: 7 * DAY, generation: 1 };

function record(uuid: string, more: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
    return {
        uuid,
        label: labelFor("ci", OWNER),
        createdAt: at(0).toISOString(),
        expirationDate: at(90 * DAY).toISOString(),
        isExpired: false,
        lastUsed: "0001-01-01T00:00:00Z",
        ...more,
    };
}

function keyState(more: Partial<KeyState> = {}): KeyState {
    return {
        uuid: "present",
        created: at(0).toISOString(),
        expires: at(90 * DAY).toISOString(),
        status: "usable",
        generation: 1,
        predecessors: [],
        ...more,
    };
}

const planned = (more: Partial<Parameters<typeof plan>[0]> = {}) =>
    plan({
        state: keyState(),
        wanted,
        now: at(DAY),
        keys: [record("present")],
        owner: OWNER,
        takeOver: false,
        ...more,
    });

describe("what is due", () => {
    test("nothing, while the key is young", () => {
        expect(due(keyState(), wanted, at(59 * DAY))).toEqual({ revokeOthers: false, over: [], prove: false });
    });

    test.each([
        [
            "past its time",
            keyState(),
            wanted,
            60 * DAY,
            /60 days old, and its time to rotate was 2027-01-22 08:00:00 UTC/,
        ],
        ["expired", keyState(), wanted, 90 * DAY, /expired on 2027-02-21/],
        ["not accepted any more", keyState({ status: "unusable" }), wanted, DAY, /does not accept/],
        ["of an earlier generation", keyState(), { ...wanted, generation: 2 }, DAY, /raised from 1 to 2/],
    ])("a successor, when the key is %s", (_name, state, want, offset, why) => {
        expect(due(state, want, at(offset)).mint?.why).toMatch(why);
    });

    test("a shorter time to rotate counts at once, a longer one too", () => {
        expect(due(keyState(), { ...wanted, rotateAfter: DAY }, at(2 * DAY)).mint).toBeDefined();
        expect(due(keyState(), { ...wanted, rotateAfter: 80 * DAY }, at(70 * DAY)).mint).toBeUndefined();
    });

    test("the time to rotate is never after the end", () => {
        expect(rotateAt({ created: at(0).toISOString(), expires: at(HOUR).toISOString() }, { rotateAfter: DAY })).toBe(
            at(HOUR).toISOString(),
        );
    });
});

describe("the plan", () => {
    test("for the first key: what was there becomes a predecessor, whatever its end", () => {
        const keys = [
            record("by-hand", { label: "laptop" }),
            record("endless", { label: "", expirationDate: "0001-01-01T00:00:00Z" }),
            record("soon", { label: "x", expirationDate: at(2 * DAY).toISOString() }),
        ];
        const first = planned({ state: undefined, keys });
        expect(first.mint).toEqual({ why: "there is none yet" });
        expect(first.predecessors.map(({ uuid, expires, revokeAfter }) => [uuid, expires, revokeAfter])).toEqual([
            ["by-hand", at(90 * DAY).toISOString(), at(8 * DAY).toISOString()],
            ["endless", "", at(8 * DAY).toISOString()],
            ["soon", at(2 * DAY).toISOString(), at(2 * DAY).toISOString()],
        ]);
        expect([first.strays, first.over]).toEqual([[], []]);
    });

    test("our own key that the state does not know is a stray, unless somebody uses it", () => {
        const cutOff = record("cut-off", { lastUsed: at(2_000).toISOString() });
        const inUse = record("in-use", { lastUsed: at(HOUR).toISOString() });
        const next = planned({ state: undefined, keys: [cutOff, inUse] });
        expect(next.strays).toEqual([cutOff]);
        expect(next.predecessors.map(({ uuid }) => uuid)).toEqual(["in-use"]);
    });

    test("another stack's key refuses the first one, and is left alone later", () => {
        const other = record("other", { label: "ci pulumi:zot-hardening/dev/registry" });
        const refused = planned({ state: undefined, keys: [other] });
        expect(refused.refusedFor).toEqual([{ ...OWNER, stack: "dev" }]);
        expect(refused.mint).toBeUndefined();
        const later = planned({ keys: [record("present"), other] });
        expect(later.foreign).toEqual([other]);
        expect([later.refusedFor, later.strays, later.over, later.predecessors]).toEqual([[], [], [], []]);
        expect(
            planned({ state: undefined, keys: [other], takeOver: true }).predecessors.map(({ uuid }) => uuid),
        ).toEqual(["other"]);
        expect(planned({ state: undefined, keys: [{ ...other, isExpired: true }] }).refusedFor).toEqual([]);
    });

    test("a raised generation takes every other key, another stack's too", () => {
        const keys = [
            record("present"),
            record("other", { label: "ci pulumi:zot-hardening/dev/registry" }),
            record("by-hand", { label: "laptop" }),
        ];
        const next = planned({ keys, wanted: { ...wanted, generation: 5 } });
        expect(next.mint).toBeDefined();
        expect(next.over.map(({ uuid }) => uuid).sort()).toEqual(["by-hand", "other", "present"]);
        expect(next.predecessors).toEqual([]);
    });

    test("a key that is gone from the registry is made again", () => {
        expect(planned({ keys: [] }).mint).toEqual({ why: "the present one is gone from the registry" });
    });

    test("what is over is revoked after the successor is made, never before", async () => {
        const calls: string[] = [];
        const keys = [record("present"), record("old", { label: "laptop" })];
        const state = keyState({ predecessors: [predecessorOf(keys[1]!, at(DAY))] });
        const next = planned({ state, keys, now: at(61 * DAY) });
        expect(next.over.map(({ uuid }) => uuid)).toEqual(["old"]);
        await carryOut({
            plan: next,
            state,
            wanted,
            keys: new Registry(
                keys,
                () => START + 61 * DAY,
                (call, moment) => void (moment === "before" && calls.push(call)),
            ),
            label: "x",
            expires: at(151 * DAY),
            prove: async () => void calls.push("prove"),
        });
        expect(calls).toEqual(["create", "prove", "revoke old"]);
    });
});

describe("a key that exists is not lost", () => {
    const listed = [record("present"), record("old", { label: "laptop" }), record("older", { label: "desk" })];
    const state = keyState({ predecessors: [predecessorOf(listed[1]!, at(DAY)), predecessorOf(listed[2]!, at(DAY))] });
    const carried = (
        watch: (call: string) => void,
        { generation = 1, prove = async () => {} }: { generation?: number; prove?: () => Promise<void> } = {},
    ) => {
        const next = planned({ state, keys: listed, now: at(61 * DAY), wanted: { ...wanted, generation } });
        const keys = new Registry(
            [...listed],
            () => START + 61 * DAY,
            (call, moment) => void (moment === "before" && watch(call)),
        );
        return carryOut({
            plan: next,
            state,
            wanted: { ...wanted, generation },
            keys,
            label: "x",
            expires: at(151 * DAY),
            prove,
        }).then(
            () => undefined,
            (error: unknown) => error as AfterMinting,
        );
    };

    test("when a revocation fails: what is left is named, for the next update", async () => {
        const failure = await carried((call) => {
            if (call === "revoke older") throw new Error("the registry is away");
        });
        expect(failure).toBeInstanceOf(AfterMinting);
        expect(failure!.reached.key).toMatch(/^secret of key-/);
        expect(failure!.reached.state).toMatchObject({ status: "usable", generation: 1 });
        expect(failure!.reached.state.predecessors.map(({ uuid }) => uuid)).toEqual(["present", "older"]);
    });

    test("when it may not push: nothing is revoked for it yet", async () => {
        const calls: string[] = [];
        const failure = await carried((call) => void calls.push(call), {
            prove: () => Promise.reject(new Error("may not push")),
        });
        expect(failure!.message).toBe("may not push");
        expect(failure!.reached.state).toMatchObject({ status: "unproven" });
        expect(failure!.reached.state.predecessors.map(({ uuid }) => uuid)).toEqual(["present", "old", "older"]);
        expect(calls).toEqual(["create"]);
    });

    test("when it may not push after a leak: the others go all the same", async () => {
        const failure = await carried(() => {}, {
            generation: 2,
            prove: () => Promise.reject(new Error("may not push")),
        });
        expect(failure!.message).toBe("may not push");
        expect(failure!.reached.state).toMatchObject({ status: "unproven", generation: 2, predecessors: [] });
    });
});

/** The registry's part, in memory; `watch` sees each call and may throw, before it takes effect or after. */
class Registry implements ApiKeys {
    readonly username = "zot-ci";

    constructor(
        readonly records: ApiKeyRecord[],
        private readonly now: () => number,
        private readonly watch: (call: string, moment: "before" | "after") => void = () => {},
    ) {}

    async list() {
        return this.during("list", () =>
            this.records.map((key) => ({
                ...key,
                isExpired:
                    Date.parse(key.expirationDate) > START - 365 * DAY && Date.parse(key.expirationDate) <= this.now(),
            })),
        );
    }

    async create(label: string, expires: Date) {
        return this.during("create", () => {
            const made = record(`key-${++Registry.count}`, {
                label,
                createdAt: new Date(this.now()).toISOString(),
                expirationDate: expires.toISOString(),
            });
            this.records.push(made);
            return { key: `secret of ${made.uuid}`, record: made };
        });
    }

    async revoke(uuid: string) {
        return this.during(`revoke ${uuid}`, () => {
            const index = this.records.findIndex((key) => key.uuid === uuid);
            if (index >= 0) this.records.splice(index, 1);
        });
    }

    private async during<T>(call: string, work: () => T): Promise<T> {
        this.watch(call, "before");
        const result = work();
        this.watch(call, "after");
        return result;
    }

    private static count = 0;
}

class Killed extends Error {}

/** What happens to a site over time. */
type Event =
    | { kind: "time passes"; milliseconds: number }
    | { kind: "up"; killedAt?: number }
    | { kind: "a key is made by hand"; lifetime: number | undefined }
    | { kind: "the key stops working" }
    | { kind: "the generation is raised" }
    | { kind: "it may not push for now"; broken: boolean };

const events: fc.Arbitrary<Event[]> = fc.array(
    fc.oneof(
        {
            weight: 3,
            arbitrary: fc.record({
                kind: fc.constant("time passes" as const),
                milliseconds: fc.integer({ min: 1, max: 40 * DAY }),
            }),
        },
        { weight: 4, arbitrary: fc.record({ kind: fc.constant("up" as const) }) },
        {
            weight: 2,
            arbitrary: fc.record({ kind: fc.constant("up" as const), killedAt: fc.integer({ min: 0, max: 14 }) }),
        },
        {
            weight: 1,
            arbitrary: fc.record({
                kind: fc.constant("a key is made by hand" as const),
                lifetime: fc.option(fc.integer({ min: HOUR, max: 100 * DAY }), { nil: undefined }),
            }),
        },
        { weight: 1, arbitrary: fc.constant({ kind: "the key stops working" as const }) },
        { weight: 1, arbitrary: fc.constant({ kind: "the generation is raised" as const }) },
        {
            weight: 1,
            arbitrary: fc.record({ kind: fc.constant("it may not push for now" as const), broken: fc.boolean() }),
        },
    ),
    { minLength: 1, maxLength: 30 },
);

/** A site and what must hold of it. */
class Model {
    now = START;
    wanted = { ...wanted };
    declared: CarriedOut | undefined;
    pending = false;
    broken = false;
    readonly records: ApiKeyRecord[] = [];
    /** Keys that somebody may hold, and until when they must go on working; undefined: until somebody says so. */
    readonly held = new Map<string, number | undefined>();
    made = 0;

    async apply(event: Event): Promise<void> {
        switch (event.kind) {
            case "time passes":
                this.now += event.milliseconds;
                break;
            case "a key is made by hand": {
                const uuid = `hand-${++this.made}`;
                this.records.push(
                    record(uuid, {
                        label: "by hand",
                        createdAt: this.time(),
                        expirationDate:
                            event.lifetime === undefined
                                ? "0001-01-01T00:00:00Z"
                                : new Date(this.now + event.lifetime).toISOString(),
                    }),
                );
                this.held.set(uuid, undefined);
                break;
            }
            case "the key stops working":
                // Revoked by somebody, and a refresh has found it.
                if (this.declared) {
                    const { uuid } = this.declared.state;
                    this.records.splice(0, this.records.length, ...this.records.filter((key) => key.uuid !== uuid));
                    this.held.delete(uuid);
                    this.declared = { ...this.declared, state: { ...this.declared.state, status: "unusable" } };
                }
                break;
            case "the generation is raised":
                this.wanted.generation++;
                break;
            case "it may not push for now":
                this.broken = event.broken;
                break;
            case "up":
                await this.up(event.killedAt);
        }
        this.nothingHeldIsLost();
    }

    private time = () => new Date(this.now).toISOString();

    private async up(killedAt: number | undefined): Promise<void> {
        const before = this.declared;
        const found = before && due(before.state, this.wanted, new Date(this.now));
        if (found && !found.mint && found.over.length === 0 && !found.prove && !this.pending) return;
        let call = 0;
        const keys = new Registry(
            this.records,
            () => this.now,
            () => {
                if (call++ === killedAt) throw new Killed();
            },
        );
        let done: CarriedOut;
        let isWhole = true;
        const everything = before !== undefined && this.wanted.generation > before.state.generation;
        // What a generation takes is given up before the first of it is revoked.
        if (everything) this.held.clear();
        try {
            const listed = await keys.list();
            const next = plan({
                state: before?.state,
                wanted: this.wanted,
                now: new Date(this.now),
                keys: listed,
                owner: OWNER,
                takeOver: false,
            });
            const prove = async () => {
                if (this.broken) throw new Error("may not push");
            };
            done = await carryOut({
                plan: next,
                state: before?.state,
                wanted: this.wanted,
                keys,
                label: labelFor("ci", OWNER),
                expires: new Date(this.now + this.wanted.lifetime),
                prove,
            });
            if (!next.mint && before && done.state.status === "unproven") {
                await prove();
                done = { ...done, state: { ...done.state, status: "usable" } };
            }
        } catch (error) {
            if (error instanceof AfterMinting && !(error.cause instanceof Killed)) {
                isWhole = false;
                done = error.reached;
            } else {
                // The process is gone, and with it what was not in the state.
                return;
            }
        }
        this.pending = !isWhole;
        const replaced = done.key !== undefined && before ? before.state.uuid : undefined;
        this.declared = { state: done.state, key: done.key ?? before!.key! };
        expect(Date.parse(this.declared.state.expires)).toBeGreaterThan(this.now - 1);
        if (!everything) {
            // From now on it is known until when each of the others lives.
            for (const [uuid, until] of this.held) {
                if (until === undefined && uuid !== this.declared.state.uuid)
                    this.held.set(uuid, this.now + this.wanted.predecessorLifetime);
            }
            if (replaced !== undefined && this.held.has(replaced))
                this.held.set(replaced, this.now + this.wanted.predecessorLifetime);
        }
        this.held.set(this.declared.state.uuid, undefined);

        for (const key of this.records.filter((candidate) => candidate.label !== "by hand"))
            expect(Date.parse(key.expirationDate)).toBeGreaterThan(START);
        if (!isWhole) return;
        const working = this.records.filter((key) => !this.isExpired(key)).map((key) => key.uuid);
        const named = [
            this.declared.state.uuid,
            ...this.declared.state.predecessors.map((predecessor) => predecessor.uuid),
        ];
        expect(working.sort()).toEqual(named.sort());
        if (everything) expect(working).toEqual([this.declared.state.uuid]);
        for (const { uuid, revokeAfter } of this.declared.state.predecessors) {
            expect(Date.parse(revokeAfter)).toBeGreaterThan(this.now);
            // Nobody holds a stray, and none is kept for longer than was said.
            expect([...this.held.keys()]).toContain(uuid);
            expect(Date.parse(revokeAfter)).toBeLessThanOrEqual(this.held.get(uuid) ?? Number.POSITIVE_INFINITY);
        }
    }

    private isExpired(key: ApiKeyRecord): boolean {
        const end = Date.parse(key.expirationDate);
        return end > 0 && end <= this.now;
    }

    /** Whoever holds a key whose time is not over can work with it. */
    private nothingHeldIsLost(): void {
        for (const [uuid, until] of this.held) {
            const key = this.records.find((candidate) => candidate.uuid === uuid);
            const isOver = until !== undefined && until <= this.now;
            if (isOver || (key && this.isExpired(key))) this.held.delete(uuid);
            else expect({ uuid, works: key !== undefined }).toEqual({ uuid, works: true });
        }
    }
}

test(
    "whatever happens, in whatever order, and wherever an update is cut off: " +
        "no held key is lost, no stray stays, none is without an end",
    async () => {
        await fc.assert(
            fc.asyncProperty(events, async (history) => {
                const model = new Model();
                for (const event of history) await model.apply(event);
                // And in the end one more update brings what is declared.
                await model.apply({ kind: "it may not push for now", broken: false });
                await model.apply({ kind: "up" });
                expect(model.declared?.state.status).toBe("usable");
            }),
            { numRuns: 400 },
        );
    },
);

describe("durations", () => {
    test.each([
        ["90d", 90 * DAY],
        ["1d12h", 36 * HOUR],
        ["45s", 45_000],
        ["2w", 14 * DAY],
        ["30", 30_000],
        [30, 30_000],
        ["0s", 0],
    ])("%s", (text, milliseconds) => expect(durationOf(text)).toBe(milliseconds));

    test.each(["", "soon", "1.5h", "-1d", "1y", "1 d", "9999999w", null, {}, -5, 1.5])("%p is none", (value) =>
        expect(durationOf(value)).toBeUndefined(),
    );

    test("for a person", () => {
        expect([
            durationText(90 * DAY),
            durationText(HOUR + 60_000),
            durationText(1_000),
            durationText(0),
            durationText(DAY + 1_000),
        ]).toEqual(["90 days", "1 hour and 1 minute", "1 second", "0 seconds", "1 day"]);
    });
});

describe("the label", () => {
    test("says whose key it is, whatever the resource is called", () => {
        const name = fc
            .string({ minLength: 1 })
            .filter((text) => text.trim() === text && !/[\n\r]/.test(text) && !text.includes("pulumi:"));
        fc.assert(
            fc.property(name, fc.constantFrom("ci", "builds at home"), (resource, label) =>
                expect(ownerIn(labelFor(label, { ...OWNER, name: resource }))).toEqual({ ...OWNER, name: resource }),
            ),
        );
    });

    test("of a key that was made by hand says nothing", () => {
        expect([ownerIn("laptop"), ownerIn(""), ownerIn("pulumi"), ownerIn("my pulumi: key")]).toEqual([
            undefined,
            undefined,
            undefined,
            undefined,
        ]);
    });

    test("comes from the URN", () => {
        expect(ownerOf("urn:pulumi:prod::zot-hardening::a:b:C$zot:index/apiKey:ApiKey::with::colons")).toEqual({
            project: "zot-hardening",
            stack: "prod",
            name: "with::colons",
        });
    });
});
