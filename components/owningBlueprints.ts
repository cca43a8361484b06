/** Which blueprints of Authentik write over what a stack declares. Pure. */
import type { Blueprint } from "../clients/authentik/blueprints";
import { outsideText } from "../clients/outsideText";
import { ciAccounts, type Settings } from "./settings";

/** Where blueprints come from that Authentik brings along; none of them makes objects for a registry. */
const BUNDLED = /^(default|system|example|migrations|testing|oss)\//;
const REMEDY = "Disable it in Authentik (Customization > Blueprints), or take these objects out of it.";

/** Warnings of enabled blueprints that name what the settings declare. */
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
                    `it writes over what pulumi up changes whenever it is applied. ${REMEDY}`,
            ];
        });
}

/** Warnings of enabled blueprints from files that are not Authentik's own: what they name is not to be seen. */
export function unknownBlueprints(blueprints: readonly Blueprint[]): string[] {
    return blueprints
        .filter(({ enabled, content, path }) => enabled && !content && path && !BUNDLED.test(path))
        .map(
            ({ name, path }) =>
                `The blueprint ${outsideText(name)} is enabled and comes from ${outsideText(path)}, ` +
                "which Authentik does not show: if it makes any of these objects, " +
                `it writes over what pulumi up changes. Look at it. ${REMEDY}`,
        );
}
