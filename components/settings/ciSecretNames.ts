/** The names of CI's credential in a store of secrets, for the group `ciSecrets` and npm run ci-secrets. Pure. */
import { isMap, shown } from "./setting";

/** Stack outputs that can be handed over. */
export const OUTPUT_NAMES = ["registryUrl", "registryHost", "ciUserName", "ciApiKey", "ciApiKeyExpires"] as const;
export type OutputName = (typeof OUTPUT_NAMES)[number];

/** The name of each output in the store. */
export type SecretNames = Partial<Record<OutputName, string>>;

/** Names that every forge accepts, in capitals: forges do not distinguish capitals and small letters. */
const NAME = /^[A-Z_][A-Z0-9_]*$/;
/** In characters: the room for a name in the database of some forges. */
const LONGEST_NAME = 255;
const RESERVED = /^(GITHUB|GITEA|FORGEJO)_|^CI$/;

/** The names in a map, and what is wrong with the map: one sentence each. */
export function secretNames(value: unknown, store?: unknown): { names: SecretNames; mistakes: string[] } {
    const mistakes: string[] = [];
    const names: SecretNames = {};
    if (!isMap(value) || Object.keys(value).length === 0) {
        mistakes.push(
            `the names ${shown(value)} are not a map from stack outputs to names, such as {ciApiKey: ZOT_CI_API_KEY}.`,
        );
        return { names, mistakes };
    }
    for (const [output, name] of Object.entries(value)) {
        if (!(OUTPUT_NAMES as readonly string[]).includes(output))
            mistakes.push(
                `${shown(output)} is not an output that can be handed over; give ${OUTPUT_NAMES.join(", ")}.`,
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
        else if (store === "forgejo" && output !== "ciApiKey" && name.startsWith("CI"))
            mistakes.push(
                `the name ${name} begins with CI, which Forgejo accepts for a secret but not for a variable; ` +
                    "give such a name to the key only.",
            );
        else names[output as OutputName] = name;
    }
    return { names, mistakes };
}
