/** What a setting consists of: its meaning, its type, and the words for mistakes in it. Pure. */

import type * as z from "zod/mini";
import { UserError } from "../../clients/userError";
import type { Json } from "../zotJson";
import { withoutSecrets } from "./secrets";

/** How text from `pulumi config set` or an environment becomes a value. */
export type SettingKind = "text" | "integer" | "boolean" | "list" | "map";

/**
 * What a change means for who may do what. `wider`: someone may do more. `narrower`: less. `unclear`: a person has to
 * judge.
 */
export type Effect = "wider" | "narrower" | "unclear";

/** The meaning of a change, for a review. */
export interface ChangeMeaning {
    effect: Effect;
    /** A sentence without its full stop. */
    words: string;
}

/** Returns what the change from one value to another means; undefined stands for a missing setting. */
export type Weigh = (before: unknown, after: unknown) => ChangeMeaning;

/**
 * How a review judges a change: it shows in zot's config as rights; it changes nobody's rights; or the function says
 * what it means outside of zot's config.
 */
export type ReviewMeaning = "in zot's config" | "no rights" | Weigh;

/** A place in zot's config that a setting decides. */
export interface ZotPlace<T> {
    /** Keys as zot writes them, for example `http.port`. */
    path: string;
    /** The value that is written there; undefined writes nothing. Default: the setting's value. */
    write?(value: T): Json | undefined;
    /**
     * The setting for a value at this place in a config from another source; undefined if the value says nothing about
     * the setting. Default: the value itself if there is no `write`, and otherwise undefined.
     */
    read?(value: Json): unknown;
    /** Whether an empty text there has a meaning. Default: it counts as nothing. */
    takesEmpty?: boolean;
    /** Whether a value in such a config means the same as ours, in other words. Default: it does not. */
    isSame?(onHost: Json, ours: Json | undefined): boolean;
    /** The place is used only if each of these settings has one of these values. */
    where?: Readonly<Record<string, readonly unknown[]>>;
    /** Whether `zot.extraConfig` takes precedence at this place as long as the setting has its default. */
    yields?: boolean;
    /** Several settings together decide it, by this function of `zotConfig/render.ts`. */
    rendering?: "accessControl" | "redisUrl";
}

/** How the host is told about a setting. */
export interface HostNames {
    /**
     * Name in the settings that a deployment sends to the script (`host/payload.sh` reads them); each item of a list is
     * a line.
     */
    script?: string;
    /** Name among the inputs of the resource HostObservation. */
    look?: string;
    /** The setting whose value the host is told if this one is left out. */
    without?: string;
}

/** Everything that is known about a setting, in one place. */
export interface Setting<T> {
    /** One sentence, for `Pulumi.yaml` and the reference. */
    description: string;
    kind: SettingKind;
    /** Checks a value. An issue from {@link because} adds the reason to the sentence. */
    schema: z.ZodMiniType<T>;
    /** For a map: whether a mistake in one entry leaves the others sound; they are then checked without it. */
    entriesStandAlone?: boolean;
    /** What is allowed: the end of the sentence "give …". */
    allowed: string;
    /** The same for part of a map, by its place in the map. Undefined: as for the whole. */
    allowedAt?: (path: readonly PropertyKey[]) => string | undefined;
    /** Absent: the setting is optional if `optional` is set, otherwise a site must give it. */
    default?: NoInfer<T>;
    optional?: boolean;
    /** Encrypted in the stack's file, a {@link SecretText} in the program, never shown. */
    secret?: boolean;
    /**
     * Only a site knows it, so it is not in the committed stack file, and rendering config and matrix works without it.
     */
    siteOnly?: boolean;
    /** Key of another setting in the group. If that one is given, this one may be missing. */
    unless?: string;
    /**
     * The value in the command that a message suggests, in shell syntax: `"$(cat key)"`. A function derives it from the
     * other settings of the group, as they stand in the stack, unchecked.
     */
    example?: string | ((group: Record<string, unknown>) => string);
    /** Extracts the value from a text, if a site may set it from a command's output. */
    read?: (text: string) => string;
    /** What else to say if the setting is missing. */
    hint?: string;
    /**
     * Where it stands in zot's config: rendered to there, and read from there out of a host's config. Default: nowhere.
     */
    zotConfig?: ZotPlace<NoInfer<T>> | readonly ZotPlace<NoInfer<T>>[];
    /** What a change of it means to a review. */
    review: ReviewMeaning;
    /** How the host is told about it. Default: not at all. */
    host?: HostNames;
    /** The setting without which this one has no effect. */
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

/** A secret that does not appear in messages, JSON, or a debugger's text. */
export class SecretText {
    readonly #text: string | undefined;

    /**
     * @param text undefined if the value exists but is encrypted, as when a stack's file is read without its passphrase
     */
    constructor(text: string | undefined) {
        this.#text = text;
    }

    /** The secret itself. @throws Error if it is encrypted */
    reveal(): string {
        if (this.#text === undefined) throw new Error("This secret is encrypted and cannot be read here.");
        return this.#text;
    }

    /** Whether {@link reveal} returns a text. */
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

/** One or more mistakes of the user, printed without a stack trace. */
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

/** A value as it appears in a message: short, on one line, and without anything that looks like a secret. */
export function shown(value: unknown): string {
    // Before the text is quoted: a hidden part may reach to its end.
    const bare = typeof value === "string" ? withoutSecrets(value) : value;
    const text = withoutSecrets(JSON.stringify(bare) ?? "nothing");
    return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** The place of a value in a list or a map: `[0].url`, `["team/**"].ci`. */
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
 * Whether a stack has a value for a setting. Pulumi.yaml has an empty text as "not set" for a setting without a
 * default.
 */
export const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** Whether a stack has a list that is not empty; the command line may have set it as text. */
export const hasItems = (value: unknown): boolean => isSet(value) && !["[]", '"[]"'].includes(JSON.stringify(value));

/** Whether a value is a map of YAML or JSON; a secret is not. */
export function isMap(value: unknown): value is Record<string, unknown> {
    return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof SecretText);
}

/**
 * The command that sets a setting on the current stack. For a secret the command asks, so the secret stays out of the
 * shell's history.
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
