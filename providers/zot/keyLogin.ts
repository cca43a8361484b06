/** The login that mints a key, with a password of the service account that exists only for this login. */
import { randomBytes } from "node:crypto";
import { durationText } from "../../clients/durations";
import type { ZotSession } from "../../clients/zot/session";
import { keepsTags, OLDEST_ZOT } from "../../clients/zot/version";
import type { CallContext } from "../protocol";
import type { ApiKeyInputs } from "./apiKeyProperties";
import type { Services } from "./services";

/**
 * How far the clocks here and at the registry may differ, in milliseconds; otherwise a rotation would come at the wrong
 * time.
 */
const CLOCK_TOLERANCE = 5 * 60_000;

/**
 * A session of the service account, with a password that exists only for it. Whatever happens, the session is ended,
 * and the account gets another password that nobody keeps.
 */
export async function withLogin<T>(
    services: Services,
    wanted: ApiKeyInputs,
    context: CallContext,
    work: (session: ZotSession, clockAhead: number) => Promise<T>,
): Promise<T> {
    const clockAhead = await checkRegistry(services, wanted, context);
    const authentik = services.authentik();
    const user = await authentik.serviceAccount(wanted.user);
    context.cancelled.throwIfAborted();
    const password = randomPassword();
    await authentik.setPassword(user, password);
    try {
        const session = await services.login(wanted.registryUrl, { username: wanted.user, password }, wanted);
        try {
            return await work(session, clockAhead);
        } finally {
            await session.end();
        }
    } finally {
        await authentik
            .setPassword(user, randomPassword())
            .catch((error: unknown) =>
                context.log(
                    "warning",
                    `${(error as Error).message} Therefore ${wanted.user} still has the random password of this login. ` +
                        "The password was not kept anywhere; the next login changes it.",
                ),
            );
    }
}

/**
 * Checks, before anything is changed, that the registry answers, and its clock and version. Returns how far its clock
 * is ahead, in milliseconds.
 */
export async function checkRegistry(
    services: Services,
    { registryUrl, acceptVersion }: ApiKeyInputs,
    context: CallContext,
): Promise<number> {
    const { clockAhead = 0, version } = await services.registry(registryUrl);
    if (Math.abs(clockAhead) > CLOCK_TOLERANCE) {
        throw new Error(
            `The clock of the registry ${registryUrl} is ${durationText(clockAhead)} ` +
                `${clockAhead > 0 ? "ahead of" : "behind"} this machine's, ` +
                "and keys expire and rotate by the clock: set both (NTP), and try again.",
        );
    }
    if (version === undefined) {
        await context.log("debug", `The registry ${registryUrl} does not report its version; only its host does.`);
    } else if (keepsTags(version) === false && acceptVersion === undefined) {
        throw new Error(
            `The registry ${registryUrl} is zot ${version}, in which anyone who may push can move a tag: ` +
                `install v${OLDEST_ZOT} or newer before CI gets a key.`,
        );
    }
    return clockAhead;
}

/** 288 bits: long enough for any password policy. */
const randomPassword = () => `${randomBytes(36).toString("base64url")}aA1!`;
