/** Reads what hostObservation.sh prints about a host. Pure. */
import { outsideText } from "../../clients/outsideText";

export interface FileFacts {
    path: string;
    /** Kind and rights as `ls -l` prints them; undefined for a missing file. */
    rights: string | undefined;
    /** The owner's user id. */
    owner: string;
    /** In hex; `unreadable`, or `unknown` if the host has no tool for it. Not set for the config. */
    sha256?: string;
}

export type Serving = "hardened" | "read-only" | "other" | "not reachable" | "unknown";

export interface HostReport {
    /** The user ids of: the user who looked, the config's owner after a deployment, and the user that zot runs as. */
    user: string;
    zotUser: string;
    config: FileFacts;
    /** Undefined if the config is missing, unreadable, or larger than any config. */
    configText: string | undefined;
    secretFiles: FileFacts[];
    /** sha256 of the last deployed config, as the host has kept it; empty if the host knows of none. */
    deployedSha256: string;
    /** Its text, if it is neither the one on the host nor the last declared one. */
    deployedText: string | undefined;
    /**
     * Whether the last declared config was ever deployed to the host. A deployment that failed or was refused leaves
     * nothing there.
     */
    lastWasDeployed: boolean;
    /** Whether its deployment was ever started there, if it was not deployed. */
    lastWasTried: boolean;
    zotVersion: string;
    /** What ls prints about the installed zot. */
    zotBinary: string;
    versionProblem: string;
    /** The commit of the zot that answers, if it says so. */
    runningCommit: string;
    service: string;
    /** Who is deploying at this moment; empty if nobody is. */
    deploying: string;
    /** Number of a deployment that started and did not end; empty if there is none. */
    unended: string;
    /** Whether the start script that waits for the issuer is in place; empty if there should be none. */
    start: string;
    /** What the start script reports that it has started. */
    startSays: string;
    /** Whether the service uses the start script: `yes`, `no`, or empty if that cannot be determined. */
    startUsed: string;
    /** Why zot's log, if host.logFile names one, could not be shown; empty if it could. */
    logProblem: string;
    /** For a service of ours: why it does not start with the host; empty if it does. */
    disabled: string;
    /** The same for the site's own service. */
    notStartedWithHost: string;
    serviceFile: string;
    serviceFileState: string;
    url: string;
    serving: Serving;
    servingProblem: string;
    /** Why zot is not reachable, for the end of a sentence. */
    silence: string;
    /** Why a deployment would be refused, one sentence each; empty if that was not checked. */
    mistakes: string[];
    /** Whether the host itself knows that a deployment has something to do; undefined if that was not checked. */
    deploymentIsDue: boolean | undefined;
    /** Number of the newest deployment that the host knows of; empty if it knows of none. */
    lastDeployment: string | undefined;
}

/** How many characters a fact may have. The script on the host cuts it earlier, but keeps the code of its message. */
const LONGEST_FACT = 4200;

const MARKER = "zot-hardening-observation";

/** Whether the script ran at all: a login shell, or a forced command, may have run something else. */
export const hasBegun = (output: Buffer): boolean => output.includes(MARKER);

/**
 * Reads what the script has printed. Undefined if the output is incomplete; throws a refusal by the host as
 * {@link HostRefusal}.
 */
export function readReport(output: Buffer, configFile: string): HostReport | undefined {
    // The output of a login shell before the script is skipped.
    const begin = output.indexOf(`${MARKER}\n`);
    if (begin < 0) return undefined;
    const body = output.subarray(begin + MARKER.length + 1);
    const separator = body.indexOf("\n--\n");
    const facts = (separator < 0 ? body : body.subarray(0, separator + 1)).toString("utf8");
    const all = (name: string) =>
        [...facts.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map((match) => outsideText(match[1]!, LONGEST_FACT));
    const one = (name: string) => all(name).at(-1) ?? "";
    const refused = one("refused");
    if (refused) throw new HostRefusal(refused);
    const serving = one("serving");
    if (!serving) return undefined;
    const texts = separator < 0 ? undefined : body.subarray(separator + 4);
    const size = Number(one("configSize"));
    // Somebody may be writing the file at this moment.
    if (texts && texts.length !== size + Number(one("deployedSize"))) return undefined;
    const text = texts?.subarray(0, size);
    const [rights, owner] = one("config").split(" ");
    return {
        user: one("user"),
        zotUser: one("zotUser"),
        config: { path: configFile, rights: rights || undefined, owner: owner ?? "" },
        configText: text?.toString("utf8"),
        secretFiles: all("secret").map((line) => {
            // For a missing file nothing precedes the hash.
            const [, its, of, sha256, path] =
                /^(?:(\S{10}) (\d+) )?\s*(unreadable|unknown|[0-9a-f]{64}) (.*)$/.exec(line) ?? [];
            return { path: path ?? line, rights: its, owner: of ?? "", sha256 };
        }),
        deployedSha256: one("deployed"),
        deployedText: one("deployedSize") ? texts?.subarray(size).toString("utf8") : undefined,
        lastWasDeployed: one("lastDeployed") !== "no",
        lastWasTried: one("lastTried") !== "no",
        zotVersion: one("zotVersion"),
        zotBinary: one("zotBinary"),
        versionProblem: one("versionProblem"),
        runningCommit: one("runningCommit"),
        service: one("service"),
        deploying: one("deploying"),
        unended: one("unended"),
        start: one("start"),
        startSays: one("startSays"),
        startUsed: one("startUsed"),
        logProblem: one("logProblem"),
        disabled: one("disabled"),
        notStartedWithHost: one("notStartedWithHost"),
        serviceFile: one("serviceFile"),
        serviceFileState: one("serviceFileState"),
        url: one("url"),
        serving: serving as Serving,
        servingProblem: one("servingProblem"),
        silence: one("silence"),
        mistakes: all("mistake"),
        deploymentIsDue: all("deploymentIsDue")
            .map((due) => due === "yes")
            .at(-1),
        lastDeployment: all("lastDeployment").at(-1),
    };
}

/** The host's reason why it cannot be looked at, for example that sudo asks for a password. */
export class HostRefusal extends Error {}

/**
 * A sentence from the host, without the full stop and the code at its end (docs/messages.md), for use in another one.
 */
export function clause(sentence: string): string {
    return sentence.replace(/\.?((?: \[ZH-[A-Z0-9-]+\])?)$/, "$1");
}
