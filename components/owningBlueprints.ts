/** Finds blueprints of Authentik that overwrite what a stack declares. Pure. */
import type { Blueprint } from "../clients/authentik/blueprints";
import { outsideText } from "../clients/outsideText";
import { ciAccounts, type Settings } from "./settings";

/** Folders of the blueprints that come with Authentik; none of these makes objects for a registry. */
const BUNDLED = /^(default|system|example|migrations|testing|oss)\//;
const REMEDY = "Disable it in Authentik (Customization > Blueprints), or take these objects out of it.";

/** A warning for each enabled blueprint that names what the settings declare. */
export function owningBlueprints(
    blueprints: readonly Blueprint[],
    { identity, ci }: Pick<Settings, "identity" | "ci">,
): string[] {
    const keys: [field: string, value: string][] = [
        ["slug", identity.applicationSlug],
        ["client_id", identity.clientId],
        ...ciAccounts({ identity, ci }).flatMap(({ user, group }): [string, string][] => [
            ["username", user],
            ["name", group],
        ]),
    ];
    return blueprints
        .filter(({ enabled, content }) => enabled && content)
        .flatMap(({ name, content, context }) => {
            const given = /!Context\b/.test(content) ? Object.values(context ?? {}) : [];
            const isNamed = (field: string, value: string) =>
                new RegExp(
                    `\\b${field}["']?\\s*:\\s*["']?${value.replace(/[^\w]/g, "\\$&")}["']?\\s*(?:$|[,}#])`,
                    "m",
                ).test(content) ||
                (given.includes(value) && new RegExp(`\\b${field}["']?\\s*:\\s*!Context\\b`).test(content));
            const named = keys.filter(([field, value]) => isNamed(field, value));
            if (named.length === 0) return [];
            return [
                `The blueprint ${outsideText(name)} is enabled and names ` +
                    `${named.map(([field, value]) => `${field} ${value}`).join(", ")}: ` +
                    `whenever it is applied, it overwrites what pulumi up has changed. ${REMEDY}`,
            ];
        });
}

/** A warning for each enabled blueprint from a file that is not Authentik's own: what it names cannot be seen. */
export function unknownBlueprints(blueprints: readonly Blueprint[]): string[] {
    return blueprints
        .filter(({ enabled, content, path }) => enabled && !content && path && !BUNDLED.test(path))
        .map(
            ({ name, path }) =>
                `The blueprint ${outsideText(name)} is enabled and comes from ${outsideText(path)}, ` +
                "which Authentik does not show: if it makes any of these objects, " +
                `it overwrites what pulumi up has changed. Look at it. ${REMEDY}`,
        );
}
