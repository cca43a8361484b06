/** What a preview says of declared rights that come at a price. Pure. */
import { FIRST_WORKLOAD, mayOverlap, type PolicySettings, type Workload, workloadsOf } from "./settings";

/** One or two sentences for each; empty for a site in which no tag moves. */
export function accessWarnings(settings: PolicySettings): string[] {
    return [...channelWarnings(settings), ...movableWarnings(settings)];
}

const inWords = (texts: readonly string[]) => texts.map((text) => JSON.stringify(text)).join(", ");

function channelWarnings(settings: PolicySettings): string[] {
    const { access, zot } = settings;
    const workloads = workloadsOf(settings);
    // Identities with the same channels share one warning.
    const moving = workloads.filter(({ channels }) => channels.length > 0);
    const places = [...new Set(moving.map(({ channels }) => inWords(channels)))];
    return places.flatMap((where) => {
        const movers = moving.filter(({ channels }) => inWords(channels) === where);
        const setting = movers.map(settingOf).join(", ");
        const who = movers.some(({ name }) => name === FIRST_WORKLOAD) ? "CI" : inList(movers);
        const others = workloads.filter((other) => movers.some((mover) => other !== mover && losesTo(other, mover)));
        return [
            `${setting}: in the repositories of ${where} ${who} may move tags, and zot ` +
                "immediately forgets the manifest that a moved tag leaves: platforms of an image, and signatures, " +
                "can be gone a moment later. " +
                "Keep versions in other repositories, and do not pin digests from these.",
            ...(others.length > 0
                ? [
                      `${setting}: they may match repositories to which ${inList(others)} may push but not move tags; ` +
                          "what that identity pushes there can be moved all the same.",
                  ]
                : []),
            ...(access.ciMayPushToMirrors && zot.mirrors.length > 0
                ? [
                      `${setting}: access.ciMayPushToMirrors is on. Therefore ${who} may also move tags in a pull-through cache ` +
                          "that matches one of these patterns.",
                  ]
                : []),
        ];
    });
}

const settingOf = ({ name }: Workload): string =>
    name === FIRST_WORKLOAD ? "access.channels" : `ci.workloads.${name}.channels`;

const inList = (workloads: readonly Workload[]): string => workloads.map(({ name }) => name).join(", ");

/** Whether an identity may push to repositories that are a channel of another identity, and not its own. */
const losesTo = (identity: Workload, { channels, repositories }: Workload): boolean =>
    channels.some(
        (channel) =>
            repositories.some((own) => mayOverlap(own, channel)) &&
            identity.repositories.some((own) => mayOverlap(own, channel)) &&
            !identity.channels.includes(channel),
    );

function movableWarnings({ access }: Pick<PolicySettings, "access">): string[] {
    return Object.entries(access.movableTags).map(
        ([pattern, forms]) =>
            `access.movableTags: in the repositories of ${JSON.stringify(pattern)} CI may move tags like ` +
            `${inWords(forms)}. It cannot change a version that way, but it can make a platform or a signature of one ` +
            "unavailable, on purpose or not: zot forgets the manifest that a moved tag leaves. Look for lost parts with " +
            "npm run verify -- --integrity.",
    );
}
