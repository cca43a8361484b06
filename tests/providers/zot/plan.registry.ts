/** Keys of an account and the registry that holds them, in memory, for the tests of what an update makes of them. */
import type { ApiKeyRecord, ApiKeys } from "../../../clients/zot/apiKeys";
import { labelFor } from "../../../clients/zot/keyOwner";
import type { Wanted } from "../../../providers/zot/plan";

export const OWNER = { project: "zot-hardening", stack: "prod", name: "registry" };
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const START = Date.parse("2026-11-23T08:00:00Z");
export const at = (offset: number) => new Date(START + offset);

export const wanted: Wanted = {
    lifetime: 90 * DAY,
    rotateAfter: 60 * DAY,
    predecessorLifetime: 7 * DAY,
    generation: 1,
};

export function record(uuid: string, more: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
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

/** The registry's part, in memory; `watch` sees each call and may throw, before it takes effect or after. */
export class Registry implements ApiKeys {
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
