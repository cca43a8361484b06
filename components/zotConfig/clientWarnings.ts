/** Warns in preview of settings that harm clients, or break promises about tags, without any message from zot. Pure. */
import { goDurationSeconds } from "../../clients/durations";
import type { PolicySettings } from "../settings";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";

/** A build that pushes its platforms by digest has to join them within this time, in seconds; zot's own default. */
const SHORT_COLLECTION = 3600;

/** One or two sentences for each; empty if the site has no such setting. */
export function clientWarnings({ zot, access }: Pick<PolicySettings, "zot" | "access">): string[] {
    const extra = zot.extraConfig as JsonMap;
    return [
        ...delayWarnings(valueAt(extra, ["http", "auth", "failDelay"])),
        ...retentionWarnings(valueAt(extra, ["storage"])),
        ...collectionWarnings(zot, valueAt(extra, ["storage"])),
        ...(access.ciMayPushToMirrors && zot.mirrors.length > 0
            ? [
                  "access.ciMayPushToMirrors: anyone's pull, without a login, moves a tag in a pull-through cache if " +
                      `upstream moved it. This applies to CI's own tags under ${zot.mirrors.map(({ prefix }) => `${prefix}/`).join(", ")} ` +
                      "too: they are not immutable. Push to other repositories.",
              ]
            : []),
    ];
}

function delayWarnings(delay: Json | undefined): string[] {
    const seconds = typeof delay === "number" ? delay : Number(delay ?? 0);
    if (!(seconds > 0)) return [];
    return [
        `zot.extraConfig: http.auth.failDelay makes each successful push of oras, helm, regctl, buildkit and containerd ` +
            `${seconds} s slower: they try without a login first, and zot waits before each 401. ` +
            "A limit of requests in a proxy in front of zot does not affect people who log in.",
    ];
}

/** Warnings about retention, in the main storage and in each subpath. */
function retentionWarnings(storage: Json | undefined): string[] {
    const beside = valueAt(storage, ["subPaths"]);
    const places: [where: string, storage: Json | undefined][] = [
        ["storage.retention", storage],
        ...Object.entries(isJsonMap(beside) ? beside : {}).map(([path, own]): [string, Json] => [
            `storage.subPaths[${JSON.stringify(path)}].retention`,
            own,
        ]),
    ];
    return places.flatMap(([where, own]) => {
        const policies = valueAt(own, ["retention", "policies"]);
        const removing = (Array.isArray(policies) ? policies : []).filter((policy) => {
            const kept = valueAt(policy, ["keepTags"]);
            return Array.isArray(kept) && kept.length > 0;
        });
        if (removing.length === 0 || valueAt(own, ["retention", "dryRun"]) === true) return [];
        const repositories = removing.flatMap((policy) => valueAt(policy, ["repositories"]) ?? []);
        return [
            `zot.extraConfig: ${where} removes tags in ${repositories.map((one) => JSON.stringify(one)).join(", ")}, ` +
                "and CI may then push a removed tag again with other content: tags there are immutable only while " +
                "they are kept. Keep versions (keepTags with their pattern alone), and let only caches and channels expire.",
        ];
    });
}

function collectionWarnings(zot: PolicySettings["zot"], storage: Json | undefined): string[] {
    const isOn = valueAt(storage, ["gc"]) ?? zot.garbageCollection;
    const own = valueAt(storage, ["gcDelay"]);
    const delay = own ?? zot.garbageCollectionDelay;
    const seconds = typeof delay === "string" ? goDurationSeconds(delay) : undefined;
    if (isOn !== true || seconds === undefined || seconds >= SHORT_COLLECTION) return [];
    const setting = own === undefined ? "zot.garbageCollectionDelay" : "zot.extraConfig: storage.gcDelay";
    return [
        `${setting} is ${JSON.stringify(delay)}: a build that pushes its platforms by digest, and joins them in an index ` +
            "later than that, loses them; a slow job loses its layers. Give at least the time of your longest build, " +
            "1h or more.",
    ];
}
