/**
 * What an earlier program left in Pulumi's state, for a site of today. A file of `states/` is the export of a stack
 * that the program of then made, without what is the site's own: `@` stands for the value at the same place of the
 * state of today, and `${…}` for a part of a text.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
type Resource = { urn: string; type: string } & Record<string, Value>;

export interface Exported {
    deployment: { resources: Resource[] } & Record<string, Value>;
    [key: string]: unknown;
}

const OBSERVATION = "zot:index/hostObservation:HostObservation";
const SAME = "@";
/** Keys whose values are a site's own, from what makes them on. Links between objects of Authentik are among them. */
const OWN =
    /^(id|provider|.*Id|uuid|groups?|target|protocolProvider|.*Flow|signingKey|propertyMappings|plaintext|created|expires|rotateAt|configSha256|ciApiKey(Expires|Uuid))$/;
/** Of every installation another, and nothing that the engine needs. */
const DROPPED = ["sourcePosition", "stackTrace", "modified"];

const inputsOf = (resources: Resource[], type: string) =>
    (resources.find((one) => one.type === type)?.inputs ?? {}) as Record<string, Value>;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The parts of texts that are a site's own, longer ones before those that they hold. */
function partsOf({ deployment: { resources } }: Exported): [name: string, text: string][] {
    const { configFile, binary, config, secretFiles } = inputsOf(resources, OBSERVATION) as Record<string, string>;
    const registry = inputsOf(resources, "zot:index/apiKey:ApiKey").registryUrl as string;
    const { host, port } = new URL(registry);
    return [
        ["zotConfigSha256", sha256(config as string)],
        ["credentials", secretFiles?.[0] as string],
        ["sessionKeys", secretFiles?.[1] as string],
        ["folder", dirname(dirname(configFile as string))],
        ["binary", binary as string],
        ["authentik", inputsOf(resources, "pulumi:providers:authentik").url as string],
        ["registry", registry],
        ["registryHost", host],
        ["port", port],
    ];
}

/**
 * The state that the program of `states/NAME.json` would have left on the site of `today`, and the config that it had
 * deployed there.
 */
export function formerState(name: string, today: Exported): { state: Exported; config: string } {
    const former = JSON.parse(readFileSync(join(__dirname, "states", `${name}.json`), "utf8")) as Resource[];
    const parts = new Map(partsOf(today));
    let config = "null";
    const fill = (value: Value, now: Value | undefined, place: string): Value => {
        if (value === SAME) {
            if (now === undefined) throw new Error(`${place} is in the state no more.`);
            return now;
        }
        if (typeof value === "string")
            return value.replaceAll(/\$\{(\w+)\}/g, (whole, part: string) => parts.get(part) ?? whole);
        if (typeof value !== "object" || value === null) return value;
        const at = (key: string) => (now as Record<string, Value> | undefined)?.[key];
        if (Array.isArray(value)) return value.map((one, index) => fill(one, at(String(index)), `${place}[${index}]`));
        return Object.fromEntries(
            Object.entries(value).map(([key, one]) =>
                // An output until 0.1.0: the config that was deployed.
                key === "zotConfig" ? [key, JSON.parse(config) as Value] : [key, fill(one, at(key), `${place}.${key}`)],
            ),
        );
    };
    config = fill(inputsOf(former, OBSERVATION).config as string, undefined, "config") as string;
    parts.set("zotConfigSha256", sha256(config));
    const resources = former.map((resource) => {
        const now = today.deployment.resources.find(({ urn }) => urn === resource.urn);
        return fill(resource, now, resource.urn) as Resource;
    });
    return { state: { ...today, deployment: { ...today.deployment, resources } }, config };
}

/**
 * The text of a file of `states/`, out of what `pulumi stack export --show-secrets` prints of a stack of the test bed.
 */
export function stateFile(exported: Exported): string {
    const parts = partsOf(exported);
    const strip = (value: Value, key: string): Value => {
        if (OWN.test(key) && value !== "none") return SAME;
        if (typeof value === "string")
            return parts.reduce((text, [name, own]) => text.replaceAll(own, `\${${name}}`), value);
        if (typeof value !== "object" || value === null) return value;
        if (Array.isArray(value)) return value.map((one) => strip(one, ""));
        return Object.fromEntries(
            Object.entries(value)
                .filter(([name]) => !DROPPED.includes(name))
                .map(([name, one]) => [name, strip(one, name)]),
        );
    };
    const resources = exported.deployment.resources.map((resource) => {
        const stripped = strip(resource, "") as Resource;
        // The script of then, which nobody reads, and the secrets within.
        for (const side of [stripped.inputs, stripped.outputs] as { stdin?: { plaintext: string } }[])
            if (side?.stdin) side.stdin.plaintext = JSON.stringify("== end\n");
        return stripped;
    });
    return `${JSON.stringify(resources, undefined, 4)}\n`;
}
