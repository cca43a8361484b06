/** What a preview says of rights that are declared, and have a price. Pure. */
import { FIRST_WORKLOAD, mayOverlap, type PolicySettings, type Workload, workloadsOf } from "./settings";

/** One sentence or two for each; none for a site that keeps every tag. */
export function accessWarnings(settings: PolicySettings): string[] {
    return [...channelWarnings(settings), ...movableWarnings(settings)];
}

const inWords = (texts: readonly string[]) => texts.map((text) => JSON.stringify(text)).join(", ");

function channelWarnings(settings: PolicySettings): string[] {
    const { access, zot } = settings;
    const workloads = workloadsOf(settings);
    // Those that have the same ones are told together.
    const moving = workloads.filter(({ channels }) => channels.length > 0);
    const places = [...new Set(moving.map(({ channels }) => inWords(channels)))];
    return places.flatMap((where) => {
        const movers = moving.filter(({ channels }) => inWords(channels) === where);
        const setting = movers.map(settingOf).join(", ");
        const who = movers.some(({ name }) => name === FIRST_WORKLOAD) ? "CI" : inList(movers);
        const others = workloads.filter((other) => movers.some((mover) => other !== mover && losesTo(other, mover)));
        return [
            `${setting}: in the repositories of ${where} ${who} may move tags, and zot forgets at once ` +
                "a manifest that a moved tag leaves: platforms of an image and signatures there can be gone a moment later. " +
                "Keep versions in other repositories, and pin digests from there.",
            ...(others.length > 0
                ? [
                      `${setting}: they may be repositories to which ${inList(others)} may push and not move tags; ` +
                          "what is pushed there by that identity can be moved all the same.",
                  ]
                : []),
            ...(access.ciMayPushToMirrors && zot.mirrors.length > 0
                ? [
                      `${setting}: access.ciMayPushToMirrors is on, so that ${who} may move tags in a pull-through cache too, ` +
                          "wherever one of these patterns matches there.",
                  ]
                : []),
        ];
    });
}

const settingOf = ({ name }: Workload): string =>
    name === FIRST_WORKLOAD ? "access.channels" : `ci.workloads.${name}.channels`;

const inList = (workloads: readonly Workload[]): string => workloads.map(({ name }) => name).join(", ");

/** Whether an identity may push to what is a channel of another one's, and not of its own. */
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
            `${inWords(forms)}. It can change no version by that, but make a platform or a signature of one ` +
            "unavailable, on purpose or not: zot forgets a manifest that a moved tag leaves. Look for lost parts with " +
            "npm run verify -- --integrity.",
    );
}
