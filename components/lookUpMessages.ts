/** Messages about failed look-ups in Authentik. Pure. */

/** A failed look-up, and what the provider said. */
export interface Failed {
    what: string;
    setting?: string;
    reason: string;
}

/** What our provider adds if Authentik could not be asked. */
const NOT_LOOKED = / \(While looking up the [\s\S]*\)$/;
/** The part of a reason that differs between look-ups although one and the same thing is wrong. */
const PLACE = / (at|to) GET \S+/;

/** The messages about failed look-ups: each reason once. */
export function lookUpMessages(failed: readonly Failed[]): string[] {
    const byReason = new Map<string, Failed[]>();
    for (const one of failed) {
        const cause = one.reason.replace(NOT_LOOKED, "").replace(PLACE, "");
        byReason.set(cause, [...(byReason.get(cause) ?? []), one]);
    }
    return [...byReason.values()].map((alike) => {
        const names = alike
            .map(({ what, setting }) => (setting === undefined ? what : `${what} (${setting})`))
            .join(", ");
        const [{ reason }] = alike as [Failed];
        return NOT_LOOKED.test(reason)
            ? `${reason.replace(NOT_LOOKED, "")} So this could not be looked up in Authentik: ${names}.`
            : `Looked up in Authentik, and not found: ${names}. ${reason}`;
    });
}

/** What the provider said, without the words that the SDK adds. */
export function reasonOf(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^invocation of \S+ returned an error: /, "");
}
