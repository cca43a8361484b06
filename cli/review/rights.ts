/** What zot's config allows to whom outside of repositories, on two sides. Pure. */

import { isLoopback } from "../../clients/http/address";
import { whoInWords } from "../../components/accessChanges";
import { type ChangeMeaning, type Effect, isMap } from "../../components/settings";
import {
    imagePlace,
    type Json,
    type JsonMap,
    movedStorage,
    type OtherLogin,
    otherLogins,
    type ZotConfig,
} from "../../components/zotConfig";
import { valueAt } from "../../components/zotJson";
import { inline, literal } from "./words";

export interface RightsChange extends ChangeMeaning {
    /** Who, in words; absent if it is not about one tier. */
    who?: string;
}

const at = (config: ZotConfig, ...path: string[]): Json | undefined => valueAt(config, path);

/** What is open to whom outside of repositories. */
export function otherRights(before: ZotConfig, after: ZotConfig): RightsChange[] {
    const found: RightsChange[] = [];
    const add = (effect: Effect, words: string) => found.push({ effect, words });

    const [had, has] = [before, after].map(metricsReaders) as [Set<string>, Set<string>];
    for (const who of has) if (!had.has(who)) add("wider", `${whoInWords(who)} gains reading the metrics`);
    for (const who of had) if (!has.has(who)) add("narrower", `${whoInWords(who)} loses reading the metrics`);

    const [from, to] = [before, after].map((config) => String(at(config, "http", "address") ?? ""));
    if (from !== to) {
        const [wasLocal, isLocal] = [isLoopback(from!), isLoopback(to!)];
        if (!isLocal) add(wasLocal ? "wider" : "unclear", `zot listens on ${literal(to)} instead of ${literal(from)}`);
        else if (!wasLocal) add("narrower", `zot listens on ${literal(to)} instead of ${literal(from)}`);
    }
    const other = (words: string, ...path: string[]) => {
        const texts = [before, after].map((config) => canonical(at(config, ...path)));
        if (texts[0] !== texts[1]) add("unclear", words);
    };
    other(
        "who zot asks for a login, or what it takes from the answer, is other than before (`http.auth.openid`)",
        "http",
        "auth",
        "openid",
        "providers",
    );
    other(
        "what zot fetches from other registries, and serves, is other than before (`extensions.sync`)",
        "extensions",
        "sync",
    );
    const unchecked = ([before, after] as const).map(
        (config) => JSON.stringify(config).match(/"tlsverify":false/gi)?.length ?? 0,
    );
    if (unchecked[1]! > unchecked[0]!)
        add("wider", "the TLS certificate of a registry that zot fetches from is not checked (`tlsVerify`)");
    other("what zot deletes by itself is other than before (`storage.retention`)", "storage", "retention");
    found.push(...movedElsewhere(before, after));
    const [knew, knows] = [before, after].map((config) => otherLogins(config)) as [OtherLogin[], OtherLogin[]];
    const isIn = (list: OtherLogin[]) => (login: OtherLogin) =>
        list.some(({ path, who }) => path.toLowerCase() === login.path.toLowerCase() && who === login.who);
    for (const { path, who } of knows.filter((login) => !isIn(knew)(login)))
        add("wider", `a login that is not the declared one: ${inline(path)}, ${inline(who)}`);
    for (const { path, who } of knew.filter((login) => !isIn(knows)(login)))
        add("narrower", `a login that was not the declared one ends: ${inline(path)}, ${inline(who)}`);
    if (canonical(loginMethods(before)) !== canonical(loginMethods(after)))
        add("unclear", "how zot takes logins is other than before (`http.auth`)");
    if (canonical(conditionsOf(before)) !== canonical(conditionsOf(after)))
        add("unclear", "conditions of policies are other ones (`http.accessControl`, `conditions`)");
    return found;
}

/** Moved storage. Another folder is already reported by `zot.rootDirectory`. */
function movedElsewhere(before: ZotConfig, after: ZotConfig): RightsChange[] {
    if ([before, after].every((config) => imagePlace(config).kind === "folder")) return [];
    return movedStorage(before, after, inline).map((words) => ({ effect: "unclear", words }));
}

/** The ways to log in. The names of secret files hold a placeholder; the logins themselves are compared one by one. */
function loginMethods(config: ZotConfig): Json {
    const auth = at(config, "http", "auth");
    if (!isMap(auth)) return null;
    const compared = ["openid", "sessionkeysfile", "htpasswd", "ldap", "bearer", "mtls"];
    return Object.fromEntries(Object.entries(auth as JsonMap).filter(([key]) => !compared.includes(key.toLowerCase())));
}

function metricsReaders(config: ZotConfig): Set<string> {
    const metrics = at(config, "http", "accessControl", "metrics");
    if (!isMap(at(config, "extensions", "metrics")) || !isMap(metrics)) return new Set();
    const members = metrics as JsonMap;
    const readers =
        Array.isArray(members.anonymousPolicy) && members.anonymousPolicy.includes("read") ? ["anonymous"] : [];
    return new Set([
        ...readers,
        ...(Array.isArray(members.users) ? members.users.map((user) => `user ${String(user)}`) : []),
    ]);
}

/** Every policy with conditions, as a whole, wherever it is. */
function conditionsOf(config: ZotConfig): Json[] {
    const found: Json[] = [];
    const search = (value: Json | undefined, path: string): void => {
        if (Array.isArray(value)) value.forEach((item) => search(item, path));
        else if (isMap(value)) {
            for (const [key, item] of Object.entries(value as JsonMap)) {
                if (key.toLowerCase() === "conditions") found.push([path, value as JsonMap]);
                else search(item, `${path}/${key}`);
            }
        }
    };
    search(at(config, "http", "accessControl"), "");
    return found;
}

/** The same text for equal values, whatever the order of their keys. */
function canonical(value: Json | undefined): string {
    return (
        JSON.stringify(value, (_key, item: unknown) =>
            isMap(item)
                ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
                : item,
        ) ?? ""
    );
}
