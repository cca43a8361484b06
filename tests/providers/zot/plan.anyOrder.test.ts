/** Updates in any order, cut off anywhere, over a registry in memory. */
import fc from "fast-check";
import type { ApiKeyRecord } from "../../../clients/zot/apiKeys";
import { labelFor } from "../../../clients/zot/keyOwner";
import { AfterMinting, executePlan, type PlanOutcome } from "../../../providers/zot/executePlan";
import { due, plan } from "../../../providers/zot/plan";
import { DAY, HOUR, OWNER, Registry, record, START, wanted } from "./plan.registry";

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
    declared: PlanOutcome | undefined;
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
        let done: PlanOutcome;
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
            done = await executePlan({
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

test("in any order, wherever cut off: no held key is lost, no stray stays, none is without an end", async () => {
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
});
