/** What a review says: two sides of every stack compared, and written as Markdown. Pure but for the text difference it is given. */

import { printable } from "../../clients/outsideText";
import {
    type AccessChange,
    changeInWords,
    isWidening,
    policyChanges,
    type TierNames,
    whoInWords,
} from "../../components/accessChanges";
import { type AccessMatrix, accessMatrix } from "../../components/accessPolicy";
import { type ChangeMeaning, type Effect, isLoopback, isMap, shown } from "../../components/settings";
import {
    configText,
    type Json,
    type JsonMap,
    type OtherLogin,
    otherLogins,
    policyOf,
    type ZotConfig,
} from "../../components/zotConfig";
import { matrixMarkdown } from "../shared/matrixText";
import { besideChanges, decisiveChanges } from "./decisive";
import type { SettingValue, StackSide } from "./sides";

export interface RightsChange extends ChangeMeaning {
    /** Who, in words; absent for what is not one tier's. */
    who?: string;
}

export interface StackReview {
    stack: string;
    status: "changed" | "unchanged" | "new" | "removed" | "unreadable";
    /** Why a side has no config. */
    problems: { side: "base" | "head"; text: string }[];
    rights: RightsChange[];
    settings: { name: string; before?: string; after?: string }[];
    /** The config's difference, as `git diff` shows it. */
    config: string;
    /** Who may do what at the head. */
    matrix?: AccessMatrix;
}

export interface Review {
    base: string;
    head: string;
    stacks: StackReview[];
    /** Files that differ and are part of what decides, or of what runs on the host. */
    code: string[];
    /** What is unusual of one of them: a link, a submodule, another mode. */
    kinds?: Record<string, string>;
    notes: string[];
}

/** Whether rights widen, or may: what changed code does is not known. */
export const widens = ({ stacks, code }: Review): boolean =>
    code.length > 0 || stacks.some(({ rights }) => rights.some(({ effect }) => effect !== "narrower"));

/** One stack on both sides; a side is undefined where it has no file for the stack. */
export function stackReview(
    stack: string,
    base: StackSide | undefined,
    head: StackSide | undefined,
    difference: (before: string, after: string) => string,
): StackReview {
    const problems = (["base", "head"] as const).flatMap((side) => {
        const text = { base, head }[side]?.problem;
        return text ? [{ side, text }] : [];
    });
    const settings = [
        ...settingChanges(base?.settings ?? new Map(), head?.settings ?? new Map()),
        ...settingChanges(base?.beside ?? new Map(), head?.beside ?? new Map()),
    ];
    const text = (side: StackSide | undefined) => (side?.config ? configText(side.config) : "");
    const review: StackReview = { stack, status: "changed", problems, rights: [], settings, config: "" };
    if (!head)
        return {
            ...review,
            status: "removed",
            settings: [],
            rights: [
                {
                    effect: "unclear",
                    words: "the stack's file is gone: what is deployed stays as it is, and nobody reviews it",
                },
            ],
        };
    // Of files that could not be read, no setting is known.
    if (!head.config)
        return {
            ...review,
            status: "unreadable",
            settings: head.settings.size > 0 ? settings : [],
            rights: [{ effect: "unclear", words: "the head has no config to compare, see below" }],
        };

    const tiers = tiersOf(head);
    const matrix = accessMatrix(policyOf(head.config));
    const config = difference(text(base), text(head));
    if (!base?.config) {
        const why = base ? "the base has no config to compare with, see below" : "the stack is new";
        return {
            ...review,
            status: base ? "changed" : "new",
            matrix,
            config: "",
            settings: base ? settings : [],
            rights: [{ effect: "unclear", words: `${why}: read all of its rights` }],
        };
    }
    const rights = inOrder([
        ...policyChanges(policyOf(base.config), policyOf(head.config)).map((change) => inReview(change, tiers)),
        ...otherRights(base.config, head.config),
        ...decisiveChanges(base.settings, head.settings),
        ...besideChanges(base.beside, head.beside),
    ]);
    const status: StackReview["status"] =
        config === "" && settings.length === 0 && rights.length === 0 ? "unchanged" : "changed";
    return { ...review, status, rights, config, matrix };
}

const inReview = (change: AccessChange, tiers: TierNames): RightsChange => ({
    effect: isWidening(change) ? "wider" : "narrower",
    words: changeInWords(change, tiers),
    who: whoInWords(change.who, tiers),
});

const RANK: Record<Effect, number> = { wider: 0, unclear: 1, narrower: 2 };

function inOrder(changes: RightsChange[]): RightsChange[] {
    return changes
        .map((change, index) => ({ change, index }))
        .sort((left, right) => RANK[left.change.effect] - RANK[right.change.effect] || left.index - right.index)
        .map(({ change }) => change);
}

function settingText(side: StackSide, name: string): string {
    try {
        return String(JSON.parse(side.settings.get(name)?.shown ?? '""'));
    } catch {
        return "";
    }
}

const tiersOf = (side: StackSide): TierNames => ({
    workloadsGroup: settingText(side, "identity.workloadsGroup"),
    adminsGroup: settingText(side, "identity.adminsGroup"),
});

const at = (config: ZotConfig, ...path: string[]): Json | undefined =>
    path.reduce<Json | undefined>(
        (value, key) =>
            isMap(value)
                ? (value as JsonMap)[Object.keys(value).find((name) => name.toLowerCase() === key.toLowerCase()) ?? key]
                : undefined,
        config,
    );

/** What is open to whom beside repositories. */
function otherRights(before: ZotConfig, after: ZotConfig): RightsChange[] {
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
    const [knew, knows] = [before, after].map((config) => otherLogins(config)) as [OtherLogin[], OtherLogin[]];
    const isIn = (list: OtherLogin[]) => (login: OtherLogin) =>
        list.some(({ path, who }) => path.toLowerCase() === login.path.toLowerCase() && who === login.who);
    for (const { path, who } of knows.filter((login) => !isIn(knew)(login)))
        add("wider", `a login that is not the declared one: ${inline(path)}, ${inline(who)}`);
    for (const { path, who } of knew.filter((login) => !isIn(knows)(login)))
        add("narrower", `a login that was not the declared one ends: ${inline(path)}, ${inline(who)}`);
    if (canonical(loginWays(before)) !== canonical(loginWays(after)))
        add("unclear", "how zot takes logins is other than before (`http.auth`)");
    if (canonical(conditionsOf(before)) !== canonical(conditionsOf(after)))
        add("unclear", "conditions of policies are other ones (`http.accessControl`, `conditions`)");
    return found;
}

/** The names of secret files hold a placeholder and say nothing; the logins themselves are compared one by one. */
function loginWays(config: ZotConfig): Json {
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

/** Every policy that has conditions, whole and wherever it is. */
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

/** Text that is the same for the same value, whatever the order of its keys. */
function canonical(value: Json | undefined): string {
    return (
        JSON.stringify(value, (_key, item: unknown) =>
            isMap(item)
                ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
                : item,
        ) ?? ""
    );
}

function settingChanges(before: Map<string, SettingValue>, after: Map<string, SettingValue>): StackReview["settings"] {
    const names = [...new Set([...before.keys(), ...after.keys()])].sort();
    return names
        .filter((name) => before.get(name)?.fingerprint !== after.get(name)?.fingerprint)
        .map((name) => ({
            name,
            ...(before.has(name) ? { before: before.get(name)!.shown } : {}),
            ...(after.has(name) ? { after: after.get(name)!.shown } : {}),
        }));
}

// --- as Markdown ------------------------------------------------------------------------------------------------------

/** How much of a config's difference is shown, in lines. */
const CONFIG_LINES = 200;
/** How many changes of rights are told, and how many files of code. */
const MOST_CHANGES = 60;
const MOST_FILES = 40;
/** Of one line, in characters; and of all, in bytes: a forge takes a comment of 65,536 characters, and a job hands on less than 128 KiB. */
const LONGEST_LINE = 500;
const LONGEST = 60_000;
const PROBLEM_LINES = 40;
const MATRIX_LINES = 100;
const MOST_SETTINGS = 100;
const MARKS: Record<Effect, string> = { wider: "**WIDER**", unclear: "**READ THIS**", narrower: "narrower" };

/** The review as Markdown; what widens rights is in the first lines. Whatever a side holds, it is no longer than a forge takes. */
export function reviewMarkdown(review: Review): string {
    const { stacks, code, notes } = review;
    const all = stacks.flatMap(({ stack, rights }) => rights.map((change) => ({ stack, ...change })));
    const told = (effect: Effect) =>
        all
            .filter((change) => change.effect === effect)
            .map((change) => `- ${MARKS[effect]} ${inline(change.stack)}: ${cut(change.words, LONGEST_LINE)}`);
    const codeChanges =
        code.length > 0
            ? [
                  `- ${MARKS.unclear} the code changes in ${code.length} file${code.length === 1 ? "" : "s"}, and may do what is not seen here`,
              ]
            : [];
    const changes = [...told("wider"), ...codeChanges, ...told("unclear"), ...told("narrower")];
    const shownChanges = withinBytes(changes.slice(0, MOST_CHANGES), LONGEST / 2);
    const lines = [`# ${verdict(review)}`, ...shownChanges];
    if (changes.length > shownChanges.length)
        lines.push(
            `- and ${changes.length - shownChanges.length} more changes, which are not told here: split the change, or read it with \`npm run review -- --json\``,
        );
    lines.push("", `Compared: base ${inline(review.base)}, head ${inline(review.head)}.`);
    for (const note of notes) lines.push("", note);
    if (code.length > 0) lines.push("", "The code that changes:", "", ...codeMarkdown(review));
    let text = printable(lines.join("\n"));
    const left: string[] = [];
    for (const stack of stacks) {
        const section = printable(stackMarkdown(stack).join("\n"));
        if (Buffer.byteLength(text) + Buffer.byteLength(section) < LONGEST) text += `\n${section}`;
        else left.push(stack.stack);
    }
    if (left.length > 0)
        text += `\n\nToo long to be shown: the details of ${left.length} stack${left.length === 1 ? "" : "s"} (${left.slice(0, 10).map(inline).join(", ")}${left.length > 10 ? ", …" : ""}). Each by itself: \`npm run review -- --stack NAME\``;
    return `${text}\n`;
}

/** The files that decide most first: a long list must not hide them. */
function codeMarkdown({ code, kinds = {} }: Review): string[] {
    const rank = (file: string) => (kinds[file] ? 0 : /^(\.\.\/)*(\.|[^/]+$)/.test(file) ? 1 : 2);
    const inOrderOfRank = [...code].sort((left, right) => rank(left) - rank(right));
    const lines = withinBytes(
        inOrderOfRank.slice(0, MOST_FILES).map((file) => `- ${inline(file)}${kinds[file] ? ` (${kinds[file]})` : ""}`),
        LONGEST / 6,
    );
    const rest = inOrderOfRank.slice(lines.length);
    if (rest.length === 0) return lines;
    const folders = new Map<string, number>();
    for (const file of rest) folders.set(file.split("/")[0]!, (folders.get(file.split("/")[0]!) ?? 0) + 1);
    const shownFolders = [...folders].slice(0, 20).map(([folder, count]) => `${inline(folder)} (${count})`);
    return [...lines, `- and ${rest.length} more, in ${shownFolders.join(", ")}${folders.size > 20 ? ", …" : ""}`];
}

function verdict({ stacks, code }: Review): string {
    const rights = stacks.flatMap((stack) => stack.rights);
    const wider = rights.filter(({ effect }) => effect === "wider");
    if (wider.length > 0)
        return `Rights widen: ${cut([...new Set(wider.map(({ who, words }) => who ?? words))].join(", "), LONGEST_LINE)}`;
    if (rights.some(({ effect }) => effect === "unclear")) return "Rights may widen: to be read";
    if (code.length > 0) return "Rights may widen: code changes";
    if (rights.length > 0) return "Rights narrow";
    if (stacks.some(({ status }) => status !== "unchanged"))
        return "Rights stay as they are; settings or config change";
    return "Rights, settings and config stay as they are";
}

function stackMarkdown({ stack, status, problems, settings, config, matrix, rights }: StackReview): string[] {
    if (status === "unchanged") return ["", `## Stack ${inline(stack)}`, "", "No change."];
    const lines = [
        "",
        `## Stack ${inline(stack)}${status === "new" ? " (new)" : status === "removed" ? " (removed)" : ""}`,
    ];
    for (const { side, text } of problems)
        lines.push("", `The ${side} has no config:`, "", ...block(shortened(text, PROBLEM_LINES)));
    if (settings.length > 0) {
        const cell = (value: string | undefined) =>
            value === undefined ? "not set" : inline(value).replaceAll("|", "\\|");
        lines.push("", "### Settings", "", "| setting | before | after |", "|---|---|---|");
        lines.push(
            ...settings
                .slice(0, MOST_SETTINGS)
                .map(({ name, before, after }) => `| ${cell(name)} | ${cell(before)} | ${cell(after)} |`),
        );
        if (settings.length > MOST_SETTINGS) lines.push("", `And ${settings.length - MOST_SETTINGS} more settings.`);
    }
    if (matrix && rights.length > 0) {
        const table = matrixMarkdown(matrix).split("\n");
        lines.push("", "### Who may do what, after the change", "", ...table.slice(0, MATRIX_LINES));
        if (table.length > MATRIX_LINES)
            lines.push("", `${table.length - MATRIX_LINES} more lines: npm run --silent matrix -- --stack ${stack}`);
    }
    if (config !== "") {
        const length = config.trimEnd().split("\n").length;
        lines.push("", "### zot's config", "", ...block(shortened(config.trimEnd(), CONFIG_LINES), "diff"));
        if (length > CONFIG_LINES)
            lines.push("", `${length - CONFIG_LINES} more lines: npm run --silent config -- --stack ${stack}`);
    }
    return lines;
}

/** As many of the first lines as there is room for. */
function withinBytes(lines: string[], room: number): string[] {
    let used = 0;
    const end = lines.findIndex((line) => (used += Buffer.byteLength(line) + 1) > room);
    return end < 0 ? lines : lines.slice(0, end);
}

const shortened = (text: string, lines: number) =>
    text
        .split("\n")
        .slice(0, lines)
        .map((line) => cut(line, LONGEST_LINE))
        .join("\n");
const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length)}…` : text);

/** Text as it is, whatever it holds: a fence longer than any in it. */
function block(text: string, language = ""): string[] {
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
    const fence = "`".repeat(longest + 1);
    return [`${fence}${language}`, ...text.split("\n"), fence];
}

/** A short text in backticks. */
function inline(text: string): string {
    return `\`${cut(text.replace(/[`\r\n]/g, "'"), 200)}\``;
}

/** A value outside of backticks, as it is read and not as Markdown. */
function literal(value: unknown): string {
    return shown(value).replace(/[\\`*_{}[\]<>()#+!|@~&]/g, "\\$&");
}
