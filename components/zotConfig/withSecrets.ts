/** The text of a config, and its secrets in place of their placeholders. Pure. */
import { isJsonMap, type JsonMap, keyIn } from "../zotJson";

/** Secrets by their place in zot's config. */
export type ConfigSecrets = Readonly<Record<string, string>>;

/** The text that is deployed; the stack outputs its sha256. */
export function configText(config: JsonMap): string {
    return `${JSON.stringify(config, null, 2)}\n`;
}

/** A config with secrets in place of the placeholders that it contains. */
export function withConfigSecrets(config: JsonMap, secrets: ConfigSecrets): JsonMap {
    const whole = structuredClone(config);
    for (const [path, value] of Object.entries(secrets)) putInPlace(whole, path.split("."), value);
    return whole;
}

function putInPlace(map: JsonMap, [part, ...rest]: readonly string[], value: string): void {
    const key = part === undefined ? undefined : keyIn(map, part);
    if (key === undefined) return;
    const inner = map[key];
    if (rest.length === 0) map[key] = value;
    else if (isJsonMap(inner)) putInPlace(inner, rest, value);
}
