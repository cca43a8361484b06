/** What is said of look-ups in Authentik that failed. Pure. */

/** A look-up that failed, and what the provider said. */
export interface Failed {
    what: string;
    setting?: string;
    reason: string;
}

/** What our provider adds where Authentik did not come to look. */
const NOT_LOOKED = / \(While looking up the [\s\S]*\)$/;
/** The part of a reason that differs from look-up to look-up, though one thing is wrong. */
const PLACE = / (at|to) GET \S+/;

/** What is said of look-ups that failed: each reason once. */
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

/** What the provider said, without the SDK's words around it. */
export function reasonOf(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^invocation of \S+ returned an error: /, "");
}
