/** Asks what a person has to decide about the registry and Authentik, with the secure answer first. */

import { failureIn } from "../../clients/authentik/failures";
import { withoutSlash } from "../../clients/http/address";
import { EndlessListError } from "../../clients/http/paging";
import { UserError } from "../../clients/userError";
import { cachesWithoutFolder } from "../../components/zotConfig";
import { isJsonMap, type JsonMap, valueAt } from "../../components/zotJson";
import { busy } from "../shared/command";
import { choicesFor } from "./alike";
import { type FoundInAuthentik, inspectAuthentik } from "./authentik";
import { hasMetrics, partsOfIssuer, textOf } from "./compose";
import type { Interview } from "./interview";
import { declaredSetting, type QuestionName } from "./questions";

/** What already exists in the stack and in the host's config. */
export interface Known {
    /** A setting of the stack's file, by its full name. */
    given(name: string): unknown;
    config: JsonMap | undefined;
    authentikUrl: string | undefined;
    /** The stack's token. */
    token(): Promise<string | undefined>;
}

/** The registry's address, and who may read the metrics, if there are any. */
export async function decideRegistry(interview: Interview, { given, config }: Known): Promise<void> {
    const external = textOf(valueAt(config, ["http", "externalUrl"]));
    await interview.answer("registryUrl", {
        fallback: textOf(given("registry.url")) ?? (external && withoutSlash(external)),
        help: "As people and CI write it, without a path: logins return to it.",
    });
    const before = textOf(given("zot.metrics"));
    const isOn = (config !== undefined && hasMetrics(config)) || before === "anonymous" || before === "users";
    if (!isOn && !interview.isAnswered("metrics")) return;
    const metrics = await interview.answer("metrics", {
        fallback: before ?? "off",
        help: "The host's zot has metrics on.",
        choices: [
            { value: "off", label: "nobody" },
            { value: "users", label: "some users", hint: "by their names in Authentik, with an API key" },
            { value: "anonymous", label: "anyone who reaches the registry" },
        ],
    });
    if (metrics !== "users") return;
    const users = given("zot.metricsUsers");
    await interview.answer("metricsUsers", {
        fallback: Array.isArray(users) && users.length > 0 ? users.join(",") : undefined,
        help: "Names of users, separated by commas.",
        check: (answer) => (answer.replaceAll(",", "").trim() === "" ? "name at least one user" : undefined),
    });
}

/** Where images of caches go that may fill any repository, and whether CI may push into the caches. */
export async function decideCaches(interview: Interview, { given, config = {} }: Known): Promise<void> {
    const homeless = cachesWithoutFolder(config);
    if (homeless.length > 0) {
        const places = homeless.map(({ address, folder }) => `${address} below ${folder}/`).join(", ");
        await interview.answer("cacheFolders", {
            help:
                `These may fill any repository, so CI could push in place of their images: ` +
                `${homeless.map(({ address }) => address).join(", ")}.`,
            // If they were left unchanged before, they stay so.
            fallback: valueAt(given("zot.extraConfig") as JsonMap, ["extensions", "sync"]) ? "no" : "yes",
            choices: [
                { value: "yes", label: "yes", hint: `${places}: their images are pulled by that name from then on` },
                { value: "no", label: "no", hint: "CI can put its own images in place of theirs" },
            ],
        });
    }
    if (!hasCaches(config) && !interview.isAnswered("caches")) return;
    // CI cannot be kept out of caches that may use any repository.
    if (interview.answers.cacheFolders === "no" && !interview.isAnswered("caches")) return;
    await interview.answer("caches", {
        fallback: given("access.ciMayPushToMirrors") === true ? "yes" : "no",
        choices: [
            { value: "no", label: "no", hint: "what they hold is upstream's" },
            { value: "yes", label: "yes", hint: "CI could put its own images in place of upstream's" },
        ],
    });
}

/** Authentik's address and token, and the names of what the program needs there. @returns the token */
export async function decideIdentity(interview: Interview, known: Known): Promise<string> {
    const { given, config } = known;
    const issuer = partsOfIssuer(
        given("identity.issuer") ?? valueAt(config, ["http", "auth", "openid", "providers", "oidc", "issuer"]),
    );
    const url = withoutSlash(
        await interview.answer("authentikUrl", { fallback: textOf(known.authentikUrl) ?? issuer?.url }),
    );
    interview.answers.authentikUrl = url;
    const { token, found } = await tokenThatWorks(interview, known, url, textOf(given("identity.clientId")) ?? "zot");
    await named(interview, "adminsGroup", found.groups, known, {
        help: "They may also delete. This program never creates or changes the group.",
        missing: `Authentik has no group. Create one: Directory > Groups > Create, at ${url}.`,
        always: true,
    });
    await named(interview, "authorizationFlow", found.authorizationFlows, known, {
        missing: "Authentik has no flow that authorizes. Apply its blueprint of the default flows, or create one.",
    });
    await named(interview, "invalidationFlow", found.invalidationFlows, known, {
        missing: "Authentik has no flow that ends a login. Apply its blueprint of the default flows, or create one.",
    });
    await named(interview, "signingKey", found.certificates, known, {
        missing: "Authentik has no certificate with a key. Create one: System > Certificates > Generate.",
    });
    await decideLogin(interview, known, found);
    return token;
}

/** A name that has to exist: asked for if it does not, or if a person should decide. */
async function named(
    interview: Interview,
    name: QuestionName & ("adminsGroup" | "authorizationFlow" | "invalidationFlow" | "signingKey"),
    there: readonly string[],
    { given }: Known,
    { help, missing, always = false }: { help?: string; missing: string; always?: boolean },
): Promise<void> {
    const setting = `identity.${name}`;
    const wanted = textOf(given(setting)) ?? String(declaredSetting(setting).default);
    const { choices, fallback } = choicesFor(wanted, there);
    if (choices.length === 0) throw new UserError(missing);
    if (!always && there.includes(wanted) && !interview.isAnswered(name)) return;
    await interview.answer(name, {
        ...(there.includes(wanted) ? {} : { message: `There is none called ${wanted} in Authentik. Which is it?` }),
        help: help ?? declaredSetting(setting).description,
        choices,
        fallback,
        check: (answer) =>
            there.includes(answer)
                ? undefined
                : `Authentik has none of this name; it has ${choices
                      .slice(0, 5)
                      .map(({ value }) => value)
                      .join(", ")}`,
    });
}

/** Asks how CI logs in, if the site's login demands a second factor. */
async function decideLogin(interview: Interview, { given }: Known, { login }: FoundInAuthentik): Promise<void> {
    const before = textOf(given("identity.ciLoginFlow"));
    const obstacles = login?.obstacles ?? [];
    if (!interview.isAnswered("ciLoginFlow") && (obstacles.length === 0 || before !== undefined)) return;
    const why = obstacles.map(({ what }) => what).join(", and ");
    await interview.answer("ciLoginFlow", {
        fallback: before ?? "dedicated",
        help:
            login && why ? `The login flow ${login.flow} ${why}. CI's account has nothing but a password.` : undefined,
        choices: [
            {
                value: "dedicated",
                label: "with a separate flow",
                hint: "that only its account passes; pulumi up makes it",
            },
            {
                value: "default",
                label: "as people do",
                hint: "the site's flow exempts the account from the second factor",
            },
        ],
    });
}

/** Asks for a token until one works, if somebody can give another. */
async function tokenThatWorks(
    interview: Interview,
    known: Known,
    url: string,
    clientId: string,
): Promise<{ token: string; found: FoundInAuthentik }> {
    const kept = interview.isAnswered("authentikToken") ? undefined : await known.token();
    for (;;) {
        const token = kept ?? (await interview.answer("authentikToken"));
        busy(`Asking Authentik at ${url}`);
        try {
            return { token, found: await inspectAuthentik(url, token, clientId) };
        } catch (error) {
            const failure = failureIn(error);
            if (!failure && !(error instanceof EndlessListError)) throw error;
            const isRefused = failure?.status === 401 || failure?.status === 403;
            if (!isRefused || !interview.forget("authentikToken")) throw new UserError((error as Error).message);
            interview.asker.say((error as Error).message);
        }
    }
}

/** Whether a config has pull-through caches. */
const hasCaches = (config: JsonMap): boolean =>
    isJsonMap(valueAt(config, ["extensions", "sync"])) &&
    valueAt(config, ["extensions", "sync", "enable"]) !== false &&
    ((valueAt(config, ["extensions", "sync", "registries"]) as unknown[] | undefined)?.length ?? 0) > 0;
