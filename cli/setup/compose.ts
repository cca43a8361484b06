/** From answers and what was found to a stack's file. Pure. */

import { allSettings, declarations } from "../../components/settings";
import { isJsonMap, type JsonMap, valueAt } from "../../components/zotJson";
import { withSettings } from "../config/stackFile";
import type { Groups, Suggestion } from "../config/takeOver";
import { asGroups } from "./fromHost";
import { type Answers, findSetting, type QuestionName, questions, settingValue } from "./questions";

/** The settings that answers stand for; the rest of the answers says how the host and Authentik are reached. */
export function settingsOfAnswers(answers: Answers): Groups {
    const settings = new Map<string, unknown>();
    for (const [name, answer] of Object.entries(answers) as [QuestionName, string][]) {
        const { setting } = questions[name];
        if (setting !== undefined) settings.set(setting, settingValue(name, answer));
    }
    if (answers.caches !== undefined) settings.set("access.ciMayPushToMirrors", answers.caches === "yes");
    return asGroups(settings);
}

/** A setting of a stack as a text; undefined where there is none. */
export const textOf = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;

/** What of an issuer of Authentik is its address, and what the application's slug; undefined for another issuer. */
export function partsOfIssuer(issuer: unknown): { url: string; slug: string } | undefined {
    const [, url, slug] = /^(https?:\/\/\S+?)\/application\/o\/([^/]+)\/$/.exec(String(issuer)) ?? [];
    return url !== undefined && slug !== undefined ? { url, slug } : undefined;
}

/**
 * Without what is as it is by itself, unless the stack says it; and without secrets, which Pulumi stores. What is no
 * setting is the stack's own, and stays for the program to refuse.
 */
export function withoutDefaults(settings: Groups, given: Groups): Groups {
    return filtered(settings, (group, key, value) => {
        const declared = findSetting(`${group}.${key}`);
        if (declared?.secret) return false;
        return key in (given[group] ?? {}) || !isSame(value, declared?.default);
    });
}

/** What is otherwise than the stack has it: all that is to be written. */
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
 * The stack's file with the settings in it; of one that is there, everything else stays as it is.
 *
 * @param text the file as it is; empty for a new one
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

/** What of the host's config goes with the first deployment, as `zot.dropSettings` names it. */
export function lostSettings(
    { replaced, refused, different, declared }: Pick<Suggestion, "replaced" | "refused" | "different" | "declared">,
    isYaml: boolean,
): string[] {
    // The push does not compare a config that is not JSON.
    if (isYaml) return ["*"];
    // What was decided otherwise, such as metrics that are off now, goes as well.
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

/** The first part of a path that a config does not have: what a deployment says that it would remove. */
function firstMissing(config: JsonMap, path: string): string {
    const keys = path.split(".");
    const depth = keys.findIndex((_key, index) => valueAt(config, keys.slice(0, index + 1)) === undefined);
    return keys.slice(0, depth < 0 ? keys.length : depth + 1).join(".");
}

/** Whether a text is a config in another form than the push compares. */
export const isYamlConfig = (file: string): boolean => /\.ya?ml$/i.test(file);

/** Whether a config has metrics that are on. */
export function hasMetrics(config: JsonMap): boolean {
    const metrics = valueAt(config, ["extensions", "metrics"]);
    return isJsonMap(metrics) && valueAt(metrics, ["enable"]) !== false;
}
