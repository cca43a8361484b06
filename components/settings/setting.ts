/** What one setting is: its meaning, its type and how a mistake in it is put into words. Pure. */

import type * as z from "zod/mini";
import { UserError } from "../../clients/userError";
import type { Json } from "../zotJson";
import { withoutSecrets } from "./secrets";

/** How a value that arrives as text (`pulumi config set`, an environment) becomes a value. */
export type SettingKind = "text" | "integer" | "boolean" | "list" | "map";

/**
 * What a change means for who may do what. `wider`: someone may do more. `narrower`: less. `unclear`: whether it widens
 * has to be read.
 */
export type Effect = "wider" | "narrower" | "unclear";

/** A change in a review. */
export interface ChangeMeaning {
    effect: Effect;
    /** A sentence without its full stop. */
    words: string;
}

/** What the change from one value to another means; undefined is a setting that is not there. */
export type Weigh = (before: unknown, after: unknown) => ChangeMeaning;

/**
 * Whether a change is seen in zot's config, as rights; changes nobody's rights; or what it means beside zot's config.
 */
export type ReviewMeaning = "in zot's config" | "no rights" | Weigh;

/** A place in zot's config that a setting decides. */
export interface ZotPlace<T> {
    /** Keys as zot writes them, for example `http.port`. */
    path: string;
    /** What stands there; nothing where it is undefined. Default: the setting's value. */
    write?(value: T): Json | undefined;
    /**
     * The setting for what stands there in a config that was made by other means; undefined where it says nothing of
     * the setting. Default: what stands there, where there is no `write`, and undefined otherwise.
     */
    read?(value: Json): unknown;
    /** Whether an empty text there says something. Default: it is as if there were nothing. */
    takesEmpty?: boolean;
    /** Whether what stands there in such a config says the same as ours, in other words. Default: it does not. */
    isSame?(onHost: Json, ours: Json | undefined): boolean;
    /** It stands there only where each of these settings has one of these values. */
    where?: Readonly<Record<string, readonly unknown[]>>;
    /** Whether the same place in `zot.extraConfig` goes first, as long as the setting has its default. */
    yields?: boolean;
    /** Several settings decide it together: by which function of `zotConfig/render.ts`. */
    rendering?: "accessControl" | "redisUrl";
}

/** How the host is told of a setting. */
export interface HostNames {
    /**
     * Name among the settings that a deployment sends to the script (`host/payload.sh` reads them); of a list each item
     * is a line.
     */
    script?: string;
    /** Name among the inputs of the resource HostObservation. */
    look?: string;
    /** Where it is left out, the host is told the value of this setting. */
    without?: string;
}

/** The one place of all that is known of a setting. */
export interface Setting<T> {
    /** One sentence for `Pulumi.yaml` and the reference. */
    description: string;
    kind: SettingKind;
    /** Checks a value; an issue of {@link because} brings the reason for the sentence. */
    schema: z.ZodMiniType<T>;
    /** Of a map: whether what is wrong with one entry says nothing of the others, which are then checked without it. */
    entriesStandAlone?: boolean;
    /** What is allowed, as the end of the sentence "give …". */
    allowed: string;
    /** The same of a part of a map, by its place in it; undefined: as of the whole. */
    allowedAt?: (path: readonly PropertyKey[]) => string | undefined;
    /** Absent: the setting is optional if `optional`, otherwise a site has to give it. */
    default?: NoInfer<T>;
    optional?: boolean;
    /** Encrypted in the stack's file, a {@link SecretText} in the program, never shown. */
    secret?: boolean;
    /**
     * Only a site can know it and it stays out of the committed stack file; rendering config and matrix does not need
     * it.
     */
    siteOnly?: boolean;
    /** Key of the setting of its group that takes its place: where that one is given, it may be missing. */
    unless?: string;
    /**
     * A value for the command in a message, in shell syntax, for example `"$(cat key)"`. One that depends on other
     * settings of its group is worked out from them, as they stand in the stack, unchecked.
     */
    example?: string | ((group: Record<string, unknown>) => string);
    /** What of a text is meant, where a site sets it from a command's output. */
    read?: (text: string) => string;
    /** What to say besides where the setting is missing. */
    hint?: string;
    /** Where it stands in zot's config: rendered there, and known by it in the config of a host. Default: nowhere. */
    zotConfig?: ZotPlace<NoInfer<T>> | readonly ZotPlace<NoInfer<T>>[];
    /** What a change of it means to a review. */
    review: ReviewMeaning;
    /** What the host is told of it. Default: nothing. */
    host?: HostNames;
    /** The setting without which this one would have no effect. */
    needs?: string;
}

/** The places in zot's config that a setting decides. */
export const placesOf = (setting: Pick<Setting<unknown>, "zotConfig">): readonly ZotPlace<unknown>[] =>
    [setting.zotConfig ?? []].flat();

/** A mistake in the settings: one sentence for the person who wrote the setting. */
export interface SettingMistake {
    /** The setting's name, for example `zot.port`. */
    setting: string;
    /** The whole sentence, with what was given (never for a secret) and what is allowed. */
    message: string;
}

/** A secret that does not show itself in messages, JSON or a debugger's string form. */
export class SecretText {
    readonly #text: string | undefined;

    /**
     * `text` is undefined where the value exists but is encrypted, as when a stack's file is read without its
     * passphrase.
     */
    constructor(text: string | undefined) {
        this.#text = text;
    }

    /** The secret itself; throws where it is encrypted. */
    reveal(): string {
        if (this.#text === undefined) throw new Error("This secret is encrypted and cannot be read here.");
        return this.#text;
    }

    /** Whether {@link reveal} answers. */
    get isReadable(): boolean {
        return this.#text !== undefined;
    }

    toString(): string {
        return "[secret]";
    }

    toJSON(): string {
        return "[secret]";
    }
}

/** A mistake of the user, or several: printed as it is, without a stack trace. */
export class SettingsError extends UserError {
    constructor(
        readonly mistakes: readonly SettingMistake[],
        where?: string,
    ) {
        const heading =
            mistakes.length === 1
                ? "There is a mistake in the settings"
                : `There are ${mistakes.length} mistakes in the settings`;
        super(
            `${heading}${where ? ` of ${where}` : ""}:\n${mistakes.map((mistake) => `  - ${mistake.message}`).join("\n")}`,
        );
        this.name = "SettingsError";
    }
}

/** How a value is named in a message: short, on one line, and without what looks like a secret. */
export function shown(value: unknown): string {
    // Of a text before its quotes are there: what is hidden may reach to its end.
    const bare = typeof value === "string" ? withoutSecrets(value) : value;
    const text = withoutSecrets(JSON.stringify(bare) ?? "nothing");
    return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Where in a list or a map a value is: `[0].url`, `["team/**"].ci`. */
export function shownPath(path: readonly PropertyKey[]): string {
    return path
        .map((part) =>
            typeof part === "number"
                ? `[${part}]`
                : /^[A-Za-z_][\w-]*$/.test(String(part))
                  ? `.${String(part)}`
                  : `[${JSON.stringify(String(part))}]`,
        )
        .join("");
}

/**
 * Whether a stack has a value for a setting. Where there is no default, Pulumi.yaml has an empty text for "not set".
 */
export const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** Whether a stack has a list that is not empty; the command line sets one as a text. */
export const hasItems = (value: unknown): boolean => isSet(value) && !["[]", '"[]"'].includes(JSON.stringify(value));

/** A map of YAML or JSON; a secret is none. */
export function isMap(value: unknown): value is Record<string, unknown> {
    return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof SecretText);
}

/**
 * The command that sets a setting on the current stack. It asks for a secret, which is not to be in a shell's history.
 */
export function setCommand(
    name: string,
    setting: Pick<Setting<unknown>, "secret" | "example">,
    group: Record<string, unknown> = {},
): string {
    const example = typeof setting.example === "function" ? setting.example(group) : setting.example;
    const value = example ?? (setting.secret ? undefined : "VALUE");
    return ["pulumi config set --path", name, ...(setting.secret ? ["--secret"] : []), ...(value ? [value] : [])].join(
        " ",
    );
}
