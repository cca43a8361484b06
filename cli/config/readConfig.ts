/** Reads a config of zot from a file or standard input, as zot would read it. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { UserError } from "../../clients/userError";
import { isMap } from "../../components/settings";
import { YamlMistake, yamlAsGo } from "../../components/settings/yaml";
import type { JsonMap } from "../../components/zotConfig";

/**
 * The config in a file.
 *
 * @param from path of a copy of the host's config; `-` for standard input
 * @throws UserError
 */
export function readConfig(from: string): JsonMap {
    const what = from === "-" ? "The config on standard input" : `The config ${from}`;
    let text: string;
    try {
        text = readFileSync(from === "-" ? 0 : from, "utf8");
    } catch (error) {
        throw new UserError(
            `${what} cannot be read: ${(error as NodeJS.ErrnoException).code}. ` +
                "Name a copy of the config.json on the registry's host.",
        );
    }
    return configIn(text, what, from === "-" ? undefined : from);
}

/**
 * A config as zot reads it: JSON or YAML by the ending of its file, or whichever it is for text without a file.
 *
 * @param what names it, as the beginning of a sentence
 * @throws UserError, which quotes nothing of the text, because that may be secret
 */
export function configIn(text: string, what: string, file?: string): JsonMap {
    const ending = extname(file ?? "").toLowerCase();
    const isYaml = ending === ".yaml" || ending === ".yml" || (file === undefined && !/^\s*\{/.test(text));
    const content = isYaml ? yamlIn(text, what) : jsonIn(text, what, file);
    if (isMap(content)) return content as JsonMap;
    throw new UserError(
        isYaml
            ? `${what} is not a YAML map. Name a copy of zot's config on the registry's host.`
            : `${what} is not a JSON object. Name a copy of the config.json on the registry's host.`,
    );
}

function jsonIn(text: string, what: string, file?: string): unknown {
    try {
        return JSON.parse(text.replace(/^\ufeff/, ""));
    } catch {
        throw new UserError(
            `${what} is not JSON. Name a copy of the config.json on the registry's host.` +
                (file === undefined || /\.json$/i.test(file)
                    ? ""
                    : " The name of a config in YAML has to end in .yaml or .yml."),
        );
    }
}

function yamlIn(text: string, what: string): unknown {
    try {
        return yamlAsGo(text, "zot");
    } catch (error) {
        if (!(error instanceof YamlMistake)) throw error;
        const where = error.line === undefined ? "" : `, line ${error.line}`;
        throw new UserError(`${what} is not YAML as zot reads it${where}: ${error.message}.`);
    }
}
