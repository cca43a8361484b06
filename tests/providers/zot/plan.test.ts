/** What an update makes of the keys that there are: which is due, what is revoked, and that none is lost. */
import { AfterMinting, executePlan } from "../../../providers/zot/executePlan";
import { due, type KeyState, plan, predecessorOf, rotateAt } from "../../../providers/zot/plan";
import { at, DAY, HOUR, OWNER, Registry, record, START, wanted } from "./plan.registry";

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
            /60 days old, and its rotation time was 2027-01-22 08:00:00 UTC/,
        ],
        ["expired", keyState(), wanted, 90 * DAY, /expired on 2027-02-21/],
        ["not accepted any more", keyState({ status: "unusable" }), wanted, DAY, /no longer accepts/],
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
        expect([first.orphans, first.over]).toEqual([[], []]);
    });

    test("our own key that the state does not know is a stray, unless somebody uses it", () => {
        const cutOff = record("cut-off", { lastUsed: at(2_000).toISOString() });
        const inUse = record("in-use", { lastUsed: at(HOUR).toISOString() });
        const next = planned({ state: undefined, keys: [cutOff, inUse] });
        expect(next.orphans).toEqual([cutOff]);
        expect(next.predecessors.map(({ uuid }) => uuid)).toEqual(["in-use"]);
    });

    test("another stack's key refuses the first one, and is left alone later", () => {
        const other = record("other", { label: "ci pulumi:zot-hardening/dev/registry" });
        const refused = planned({ state: undefined, keys: [other] });
        expect(refused.refusedFor).toEqual([{ ...OWNER, stack: "dev" }]);
        expect(refused.mint).toBeUndefined();
        const later = planned({ keys: [record("present"), other] });
        expect(later.foreign).toEqual([other]);
        expect([later.refusedFor, later.orphans, later.over, later.predecessors]).toEqual([[], [], [], []]);
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
        await executePlan({
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
        return executePlan({
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
