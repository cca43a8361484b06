/** The API keys of CI's account that zot has on record. */
import type { ApiKeyRecord } from "../../../clients/zot/apiKeys";
import { ownerIn } from "../../../clients/zot/keyOwner";
import type { Check } from "../check";
import type { Context } from "../context";
import { fail, notPossible, type Outcome, pass, Skipped, warning } from "../outcome";

export const keys: Check[] = [
    {
        id: "keys-on-record",
        title: "Every API key of CI's account has an expiry, and is ours",
        needs: [],
        run: async (context) => judged(context, await keysOf(context)),
    },
];

async function keysOf(context: Context): Promise<ApiKeyRecord[]> {
    const { ciUser } = context.subject;
    const record = (count: number) =>
        context.recorder.add({ as: ciUser, sent: "GET /zot/auth/apikey", received: `200, ${count} keys` });
    const own = context.ciKeys();
    if (own) {
        try {
            const found = await own.keys.list();
            record(found.length);
            return found;
        } catch (error) {
            if (!context.testUsers)
                throw notPossible(`CI's keys could not be listed with CI's own key: ${(error as Error).message}`);
        }
    }
    if (context.readOnly)
        throw new Skipped(
            "read-only",
            "With --read-only this needs CI's own key: " +
                "the stack's output ciApiKey, or ZOT_CI_API_KEY in the environment.",
        );
    const testUsers = context.testUsersOrSkip();
    return context.breaker.run(() =>
        testUsers.asServiceAccount(ciUser, async (session) => {
            const found = await session.listApiKeys();
            record(found.length);
            return found;
        }),
    );
}

function judged({ subject }: Context, records: ApiKeyRecord[]): Outcome {
    const alive = records.filter((record) => !record.isExpired);
    const named = (list: ApiKeyRecord[]) =>
        list.map(({ label, uuid }) => `${JSON.stringify(label)} (${uuid})`).join(", ");
    const endless = alive.filter(({ expirationDate }) => new Date(expirationDate).getUTCFullYear() <= 1);
    const only = "Only their owners see the keys of other users.";
    if (endless.length > 0)
        return fail(
            `${subject.ciUser} has a key without expiry: ${named(endless)}. ` +
                `Whoever finds it has CI's rights for ever, and a stolen key can make such a key. ${only}`,
            "Revoke it, in zot's web interface or with DELETE /zot/auth/apikey?id=UUID.",
        );
    const isOurs = ({ uuid, label }: ApiKeyRecord) => uuid === subject.declaredKey || ownerIn(label) !== undefined;
    const foreign = alive.filter((record) => !isOurs(record));
    if (subject.declaredKey !== undefined && !alive.some(({ uuid }) => uuid === subject.declaredKey))
        return fail(
            `The stack's key ${subject.declaredKey} is not on record: CI's key no longer works.`,
            "pulumi up makes a new one; then hand it over with npm run ci-secrets.",
        );
    if (foreign.length > 0)
        return warning(
            `${subject.ciUser} has ${foreign.length === 1 ? "a key that is" : "keys that are"} not ours: ` +
                `${named(foreign)}. A stolen key can make further keys. ${only}`,
            "Revoke every key that nobody knows.",
        );
    return pass(
        `${alive.length} ${alive.length === 1 ? "key works" : "keys work"}, each with an expiry${
            alive.length > 0
                ? ` (the last one expires ${alive
                      .map(({ expirationDate }) => expirationDate)
                      .sort()
                      .at(-1)})`
                : ""
        }, and no key is unknown. ${only}`,
    );
}
