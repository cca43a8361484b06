/**
 * Where CI's credential goes: the options of the command, or else the group `ciSecrets` of a stack's settings. Pure.
 */
import { addressMistake, withoutSlash } from "../../clients/http/address";
import { UserError } from "../../clients/userError";
import { shown } from "../../components/settings";
import { type SecretNames, secretNames } from "../../components/settings/ciSecretNames";

export const STORES = ["forgejo", "gitea", "github", "dotenv", "json"] as const;
export type StoreKind = (typeof STORES)[number];

export const VISIBILITIES = ["private", "all"] as const;

export interface ForgeTarget {
    store: "forgejo" | "gitea" | "github";
    /** Without a slash at its end. For GitHub the address of its API, for the others that of the forge. */
    apiUrl: string;
    /** A user or an organisation. */
    owner: string;
    /** Absent: the organisation itself has the secrets. */
    repository: string | undefined;
    /** Which repositories of a GitHub organisation can use a new secret; an existing one stays as it is. */
    visibility: (typeof VISIBILITIES)[number];
    names: SecretNames;
}

export interface FileTarget {
    store: "dotenv" | "json";
    file: string;
    names: SecretNames;
}

export type Target = ForgeTarget | FileTarget;

/** The values on the command line or in the settings; {@link targetFrom} checks them. */
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
            `It is not clear where to store the credential:\n${mistakes.map((mistake) => `  - ${mistake}`).join("\n")}`,
        );
    }
}

export const DEFAULT_NAMES: SecretNames = { ciApiKey: "ZOT_CI_API_KEY" };
const DEFAULT_GITHUB_API = "https://api.github.com";

const OWNER = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const REPOSITORY = /^[A-Za-z0-9._-]+$/;

/**
 * @param options of the command line; each overrides the setting of its name
 * @param settings the group `ciSecrets`
 * @throws TargetError with every mistake
 */
export function targetFrom(options: TargetOptions, settings: TargetOptions = {}): Target {
    const mistakes: string[] = [];
    const given = (name: keyof TargetOptions) =>
        isSet(options[name]) ? options[name] : isSet(settings[name]) ? settings[name] : undefined;
    const store = given("store");
    const names = namesFrom(given("names"), store, mistakes);
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
    // If the command line names another owner, the repository in the settings does not belong to it.
    const repository = isSet(options.owner) ? options.repository : given("repository");
    if (
        isSet(repository) &&
        (typeof repository !== "string" || !REPOSITORY.test(repository) || /^\.+$/.test(repository))
    )
        mistakes.push(`the repository ${shown(repository)} is not a repository's name; give its owner separately.`);
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

const isSet = (value: unknown) => value !== undefined && value !== null && value !== "";

function apiUrlFrom(value: unknown, mistakes: string[], isGitHub: boolean): string {
    if (value === undefined) {
        mistakes.push(
            "there is no address of the forge: give --api-url or set ciSecrets.apiUrl, " +
                "for example https://forge.example.org.",
        );
        return "";
    }
    const because = addressMistake(value, { carries: "the token and the key" });
    if (because !== undefined) {
        mistakes.push(`the address ${shown(value)} of the forge cannot be used: ${because}.`);
        return "";
    }
    const { origin, pathname } = new URL(value as string);
    const path = withoutSlash(pathname);
    return `${origin}${isGitHub ? path : path.replace(/\/api\/v1$/, "")}`;
}

function namesFrom(value: unknown, store: unknown, mistakes: string[]): SecretNames {
    if (value === undefined) return DEFAULT_NAMES;
    const found = secretNames(typeof value === "string" ? parsedOrItself(value) : value, store);
    mistakes.push(...found.mistakes);
    return found.names;
}

function parsedOrItself(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
