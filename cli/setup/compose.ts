/** Composes a stack's file from answers and from what was found. Pure. */

import { allSettings, declarations } from "../../components/settings";
import { isJsonMap, type JsonMap, valueAt } from "../../components/zotJson";
import { withSettings } from "../config/stackFile";
import type { Groups, Suggestion } from "../config/takeOver";
import { asGroups } from "./fromHost";
import { type Answers, findSetting, type QuestionName, questions, settingValue } from "./questions";

/** The settings behind the answers; the other answers say how to reach the host and Authentik. */
export function settingsOfAnswers(answers: Answers): Groups {
    const settings = new Map<string, unknown>();
    for (const [name, answer] of Object.entries(answers) as [QuestionName, string][]) {
        const { setting } = questions[name];
        if (setting !== undefined) settings.set(setting, settingValue(name, answer));
    }
    if (answers.caches !== undefined) settings.set("access.ciMayPushToMirrors", answers.caches === "yes");
    return asGroups(settings);
}

/** A stack's setting as text; undefined if it has none. */
export const textOf = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;

/** Splits an Authentik issuer into its address and the application's slug; undefined for any other issuer. */
export function partsOfIssuer(issuer: unknown): { url: string; slug: string } | undefined {
    const [, url, slug] = /^(https?:\/\/\S+?)\/application\/o\/([^/]+)\/$/.exec(String(issuer)) ?? [];
    return url !== undefined && slug !== undefined ? { url, slug } : undefined;
}

/**
 * Drops settings with their default value, unless the stack itself sets them, and secrets, which Pulumi stores. Unknown
 * names of the stack stay, for the program to refuse.
 */
export function withoutDefaults(settings: Groups, given: Groups): Groups {
    return filtered(settings, (group, key, value) => {
        const declared = findSetting(`${group}.${key}`);
        if (declared?.secret) return false;
        return key in (given[group] ?? {}) || !isSame(value, declared?.default);
    });
}

/** The settings that differ from the stack's: everything that has to be written. */
export const changedSettings = (settings: Groups, given: Groups): Groups =>
    filtered(settings, (group, key, value) => !isSame(value, given[group]?.[key]));

function filtered(groups: Groups, keeps: (group: string, key: string, value: unknown) => boolean): Groups {
    return Object.fromEntries(
        Object.entries(groups).flatMap(([group, members]) => {
            const left = Object.entries(members).filter(([key, value]) => keeps(group, key, value));
            return left.length > 0 ? [[group, Object.fromEntries(left)]] : [];
        }),
    );
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

const HEADING = `# A stack of this project. Every setting is in docs/settings.md, and Pulumi.yaml has its default; secrets are encrypted.
# npm run setup changes it again; who may do what by it: npm run --silent matrix -- --stack`;

/**
 * The stack's file with the settings added; everything else in an existing file stays.
 *
 * @param text the present file; empty for a new one
 */
export function composedFile(
    text: string,
    {
        project,
        stack,
        settings,
        authentikUrl,
    }: { project: string; stack: string; settings: Groups; authentikUrl: string },
): string {
    const file = `Pulumi.${stack}.yaml`;
    const order = Object.keys(declarations);
    const place = new Map(allSettings().map(({ name }, index) => [name, index]));
    const ordered = Object.fromEntries(
        Object.entries(settings)
            .sort(([one], [other]) => order.indexOf(one) - order.indexOf(other))
            .map(([group, members]) => [
                group,
                Object.fromEntries(
                    Object.entries(members).sort(
                        ([one], [other]) => place.get(`${group}.${one}`)! - place.get(`${group}.${other}`)!,
                    ),
                ),
            ]),
    );
    const written = withSettings(text, { file, project, settings: ordered, others: { "authentik:url": authentikUrl } });
    return text.includes("config:") && text.trimStart().startsWith("#") ? written : `${HEADING} ${stack}\n${written}`;
}

/** What the first deployment removes from the host's config, in the form of `zot.dropSettings`. */
export function lostSettings(
    { replaced, refused, different, declared }: Pick<Suggestion, "replaced" | "refused" | "different" | "declared">,
    isYaml: boolean,
): string[] {
    // A deployment does not compare a config that is not JSON.
    if (isYaml) return ["*"];
    // What was decided differently, such as metrics that are now off, is removed too.
    const gone = different.filter((one) => one.declared === undefined).map(({ path }) => path);
    const config = declared.zotConfig();
    return [
        ...new Set([
            ...replaced,
            ...refused.map((sentence) => sentence.split(" ")[0]!),
            ...gone.map((path) => firstMissing(config, path)),
        ]),
    ];
}

/** The first part of a path that a config lacks: what a deployment reports as removed. */
function firstMissing(config: JsonMap, path: string): string {
    const keys = path.split(".");
    const depth = keys.findIndex((_key, index) => valueAt(config, keys.slice(0, index + 1)) === undefined);
    return keys.slice(0, depth < 0 ? keys.length : depth + 1).join(".");
}

/** Whether a file holds a config in another form than a deployment compares. */
export const isYamlConfig = (file: string): boolean => /\.ya?ml$/i.test(file);

/** Whether a config has metrics switched on. */
export function hasMetrics(config: JsonMap): boolean {
    const metrics = valueAt(config, ["extensions", "metrics"]);
    return isJsonMap(metrics) && valueAt(metrics, ["enable"]) !== false;
}
