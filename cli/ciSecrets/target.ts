/**
 * Where CI's credential is handed to: the group `ciSecrets` of a stack's settings, below the options of the command.
 * Pure.
 */
import { UserError } from "../../clients/userError";
import { isLoopback, shown } from "../../components/settings";
import { isMap } from "../../components/settings/setting";

/** Stack outputs that can be handed over. */
export const OUTPUT_NAMES = ["registryUrl", "registryHost", "ciUserName", "ciApiKey", "ciApiKeyExpires"] as const;
export type OutputName = (typeof OUTPUT_NAMES)[number];

export const STORES = ["forgejo", "gitea", "github", "dotenv", "json"] as const;
export type StoreKind = (typeof STORES)[number];

export const VISIBILITIES = ["private", "all"] as const;

/** What each output is called in the store. */
export type Names = Partial<Record<OutputName, string>>;

export interface ForgeTarget {
    store: "forgejo" | "gitea" | "github";
    /** Without a slash at its end; of GitHub the API's own address, of the others the forge's. */
    apiUrl: string;
    /** A user or an organisation. */
    owner: string;
    /** Absent: the secrets are the organisation's. */
    repository: string | undefined;
    /** Which repositories of a GitHub organisation see a new secret; one that exists keeps what it has. */
    visibility: (typeof VISIBILITIES)[number];
    names: Names;
}

export interface FileTarget {
    store: "dotenv" | "json";
    file: string;
    names: Names;
}

export type Target = ForgeTarget | FileTarget;

/** What the command line or the settings say; checked by {@link targetFrom}. */
export interface TargetOptions {
    store?: unknown;
    apiUrl?: unknown;
    owner?: unknown;
    repository?: unknown;
    visibility?: unknown;
    file?: unknown;
    names?: unknown;
}

/** Everything that is wrong with a target, in one message. */
export class TargetError extends UserError {
    constructor(readonly mistakes: readonly string[]) {
        super(
            `Where to hand the credential to is not clear:\n${mistakes.map((mistake) => `  - ${mistake}`).join("\n")}`,
        );
    }
}

export const DEFAULT_NAMES: Names = { ciApiKey: "ZOT_CI_API_KEY" };
const DEFAULT_GITHUB_API = "https://api.github.com";

/** What forges accept, in capitals: they do not tell small letters from capitals. */
const NAME = /^[A-Z_][A-Z0-9_]*$/;
/** In characters: what forges that keep names in a database have room for. */
const LONGEST_NAME = 255;
const RESERVED = /^(GITHUB|GITEA|FORGEJO)_|^CI$/;
const OWNER = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const REPOSITORY = /^[A-Za-z0-9._-]+$/;

/**
 * @param options of the command line; each goes before the setting of its name
 * @param settings the group `ciSecrets`
 * @throws TargetError with every mistake
 */
export function targetFrom(options: TargetOptions, settings: TargetOptions = {}): Target {
    const mistakes: string[] = [];
    const given = (name: keyof TargetOptions) =>
        isSet(options[name]) ? options[name] : isSet(settings[name]) ? settings[name] : undefined;
    const store = given("store");
    const names = namesFrom(given("names"), mistakes);
    if (store === undefined)
        mistakes.push(`there is no store: give --store or set ciSecrets.store, one of ${STORES.join(", ")}.`);
    else if (!(STORES as readonly unknown[]).includes(store))
        mistakes.push(`the store ${shown(store)} is not one of ${STORES.join(", ")}.`);
    if (store === "dotenv" || store === "json") {
        const file = given("file");
        if (typeof file !== "string") mistakes.push("there is no file: give --file or set ciSecrets.file.");
        if (mistakes.length > 0) throw new TargetError(mistakes);
        return { store, file: file as string, names };
    }

    const isGitHub = store === "github";
    const apiUrl = apiUrlFrom(given("apiUrl") ?? (isGitHub ? DEFAULT_GITHUB_API : undefined), mistakes, isGitHub);
    const owner = given("owner");
    if (owner === undefined)
        mistakes.push("there is no owner (a user or an organisation): give --owner or set ciSecrets.owner.");
    else if (typeof owner !== "string" || !OWNER.test(owner))
        mistakes.push(`the owner ${shown(owner)} is not the name of a user or an organisation.`);
    // Another owner on the command line does not have the repository of the settings.
    const repository = isSet(options.owner) ? options.repository : given("repository");
    if (
        isSet(repository) &&
        (typeof repository !== "string" || !REPOSITORY.test(repository) || /^\.+$/.test(repository))
    )
        mistakes.push(`the repository ${shown(repository)} is not a repository's name; its owner is given apart.`);
    for (const name of variableNames(names)) {
        if (store === "forgejo" && name.startsWith("CI"))
            mistakes.push(
                `the name ${name} begins with CI, which Forgejo takes for no variable; ` +
                    "only the key, a secret, may have such a name.",
            );
    }
    const visibility = given("visibility") ?? "private";
    if (!(VISIBILITIES as readonly unknown[]).includes(visibility))
        mistakes.push(`the visibility ${shown(visibility)} is not one of ${VISIBILITIES.join(", ")}.`);
    if (mistakes.length > 0) throw new TargetError(mistakes);
    return {
        store: store as ForgeTarget["store"],
        apiUrl,
        owner: owner as string,
        repository: isSet(repository) ? (repository as string) : undefined,
        visibility: visibility as ForgeTarget["visibility"],
        names,
    };
}

/** All but the key's: what is handed over as a variable. */
const variableNames = (names: Names) =>
    Object.entries(names).flatMap(([output, name]) => (output === "ciApiKey" ? [] : [name]));

const isSet = (value: unknown) => value !== undefined && value !== null && value !== "";

function apiUrlFrom(value: unknown, mistakes: string[], isGitHub: boolean): string {
    if (value === undefined) {
        mistakes.push(
            "there is no address of the forge: give --api-url or set ciSecrets.apiUrl, " +
                "for example https://forge.example.org.",
        );
        return "";
    }
    const refuse = (why: string) => {
        mistakes.push(`the address ${shown(value)} of the forge cannot be used: ${why}.`);
        return "";
    };
    if (typeof value !== "string" || !/^https?:\/\//i.test(value) || !URL.canParse(value))
        return refuse("it is not a URL");
    const url = new URL(value);
    if (url.username || url.password) return refuse("it holds a user name or a password");
    if (url.search || url.hash) return refuse("it has a query or a fragment");
    if (url.protocol !== "https:" && !isLoopback(url.hostname))
        return refuse("over plain http, the token and the key could be read on the way");
    const path = url.pathname.replace(/\/+$/, "");
    return `${url.origin}${isGitHub ? path : path.replace(/\/api\/v1$/, "")}`;
}

function namesFrom(value: unknown, mistakes: string[]): Names {
    if (value === undefined) return DEFAULT_NAMES;
    const parsed = typeof value === "string" ? parsedOrItself(value) : value;
    if (!isMap(parsed) || Object.keys(parsed).length === 0) {
        mistakes.push(
            `the names ${shown(value)} are not a map from stack outputs to names, such as {ciApiKey: ZOT_CI_API_KEY}.`,
        );
        return {};
    }
    const names: Names = {};
    for (const [output, name] of Object.entries(parsed)) {
        if (!(OUTPUT_NAMES as readonly string[]).includes(output))
            mistakes.push(
                `${shown(output)} is not an output that is handed over; those are ${OUTPUT_NAMES.join(", ")}.`,
            );
        else if (typeof name !== "string" || !NAME.test(name))
            mistakes.push(`the name ${shown(name)} for ${output} is not one of capitals, digits and "_".`);
        else if (name.length > LONGEST_NAME)
            mistakes.push(`the name for ${output} is longer than ${LONGEST_NAME} characters.`);
        else if (RESERVED.test(name))
            mistakes.push(
                `the name ${name} for ${output} is one that forges keep for themselves (CI, GITHUB_…, GITEA_…, ` +
                    "FORGEJO_…).",
            );
        else if (Object.values(names).includes(name)) mistakes.push(`the name ${name} is given twice.`);
        else names[output as OutputName] = name;
    }
    return names;
}

function parsedOrItself(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
