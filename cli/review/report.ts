/** Compares two sides of every stack. Pure, except for the text difference that it is given. */
import {
    type AccessChange,
    changeInWords,
    isWidening,
    policyChanges,
    type TierNames,
    whoInWords,
} from "../../components/accessChanges";
import { type AccessMatrix, accessMatrix } from "../../components/accessPolicy";
import { type Effect, isMap } from "../../components/settings";
import { configText, policyOf } from "../../components/zotConfig";
import { besideChanges, decisiveChanges } from "./decisive";
import { otherRights, type RightsChange } from "./rights";
import type { SettingValue, StackSide } from "./sides";

export interface StackReview {
    stack: string;
    status: "changed" | "unchanged" | "new" | "removed" | "unreadable";
    /** Why a side has no config. */
    problems: { side: "base" | "head"; text: string }[];
    rights: RightsChange[];
    settings: { name: string; before?: string; after?: string }[];
    /** The config's difference, as `git diff` shows it. */
    config: string;
    /** Who may do what with the head. */
    matrix?: AccessMatrix;
}

export interface Review {
    base: string;
    head: string;
    stacks: StackReview[];
    /** Changed files that decide, or that run on the host. */
    code: string[];
    /** What is unusual about some of them: a link, a submodule, another mode. */
    kinds?: Record<string, string>;
    notes: string[];
}

/** Whether rights widen, or may widen: the effect of changed code is unknown. */
export const widens = ({ stacks, code }: Review): boolean =>
    code.length > 0 || stacks.some(({ rights }) => rights.some(({ effect }) => effect !== "narrower"));

/** One stack on both sides; a side is undefined if it has no file for the stack. */
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
    // The settings in unreadable files are unknown.
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
    workloads: workloadNames(side),
});

/** Names of CI's further identities by group; empty if the setting cannot be read. */
function workloadNames(side: StackSide): Record<string, string> {
    const workloads = side.settings.get("ci.workloads")?.whole;
    return Object.fromEntries(
        Object.entries(isMap(workloads) ? workloads : {}).flatMap(([name, entry]) =>
            isMap(entry) && typeof entry.group === "string" ? [[entry.group, name]] : [],
        ),
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
