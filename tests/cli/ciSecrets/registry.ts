/** A registry of which the command is told: it lets CI's group push, and knows its accounts by an identity provider. */
import { ciPushes } from "../../testbed/zot/hardened";
import { type IdentityProvider, startWithLogin } from "../../testbed/zot/logins";
import type { RunningZot, Zot } from "../../testbed/zot/zots";

/** @param folder where its config and its images are; the caller removes it */
export function startRegistry(zot: Zot, provider: IdentityProvider, folder: string): Promise<RunningZot> {
    return startWithLogin(zot, provider, { http: { accessControl: ciPushes }, folder });
}
