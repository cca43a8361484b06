/** What a look sends to the host: the script, and the values of its variables. */
import { inspectionScript } from "../../host/scripts";
import { sha256 } from "./hostDrift";
import observationScript from "./hostObservation.sh";
import type { Declared, Observation } from "./hostObservationInputs";

/** What an earlier look has found out about the installed zot. */
export interface KnownZot {
    binary: string;
    version: string;
}

/**
 * The host reads all of it before it runs any part. If it is cut off, it does nothing, because the last line is
 * missing.
 */
export function scriptFor(observation: Observation, last: Declared | undefined, known: KnownZot | undefined): string {
    const { variables, declared, planned } = observation;
    const secretFiles = new Set(last ? [...last.secretFiles, ...(declared?.secretFiles ?? [])] : []);
    const all: [string, string][] = [
        ...variables,
        ["secret_files", [...secretFiles].join("\n")],
        ["declared", last ? shownOf(last).trimEnd() : ""],
        ["declared_is_whole", last?.secrets === undefined ? "yes" : "no"],
        ["declared_sha256", last ? sha256(last.config) : ""],
        ["known_binary", known?.binary ?? ""],
        ["known_version", known?.version ?? ""],
        ["planned_config", planned?.config.trimEnd() ?? ""],
        ["verified_config", planned ? forVerify(planned.config) : ""],
        ["verified_read_only", planned ? forVerify(planned.readOnlyConfig ?? planned.config) : ""],
        ["drop_settings", planned?.dropSettings.join("\n") ?? ""],
        ["deployment_is_due", isDue(observation, last) ? "yes" : "no"],
        ["issuer_is_new", planned && last && issuerIn(planned.config) === issuerIn(shownOf(last)) ? "no" : "yes"],
    ];
    const assignments = all.map(([name, value]) => `${name}=${quoted(value)}`);
    return [inspectionScript, observationScript, ...assignments, "observe", ""].join("\n");
}

const shownOf = ({ config, shown = config }: Declared) => shown;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Whether it is already clear, without a look, that there will be a deployment. */
function isDue({ declared, planned }: Observation, last: Declared | undefined): boolean {
    return planned !== undefined && declared?.config !== last?.config;
}

/**
 * A config for `zot verify` on the host, with secret files that do not exist yet. It names no log file, because
 * `zot verify` would create it.
 */
function forVerify(config: string): string {
    return JSON.stringify(JSON.parse(config), (key, value: unknown) => {
        if (typeof value === "string" && value.endsWith(".<sha256>.json"))
            return value.replace(/^.*\/(?:oidc-)?([a-z-]+)\.<sha256>\.json$/, "@folder@/$1.json");
        return key.toLowerCase() === "log" && typeof value === "object" && value !== null
            ? Object.fromEntries(Object.entries(value).filter(([name]) => !/^(output|audit)$/i.test(name)))
            : value;
    });
}

function issuerIn(config: string): string | undefined {
    return /"issuer": "([^"]*)"/i.exec(config)?.[1];
}
