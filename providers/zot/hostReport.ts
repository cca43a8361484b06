/** What hostObservation.sh prints of a host, read. Pure. */
import { outsideText } from "../../clients/outsideText";

export interface FileFacts {
    path: string;
    /** Kind and rights as `ls -l` has them; undefined for a missing file. */
    rights: string | undefined;
    /** The owner's user id. */
    owner: string;
    /** In hex; `unreadable`, or `unknown` where the host has no tool for it. Not set for the config. */
    sha256?: string;
}

export type Serving = "hardened" | "read-only" | "other" | "not reachable" | "unknown";

export interface HostReport {
    /** The user ids of the one who looked, who owns the config after a deployment, and of the one that zot runs as. */
    user: string;
    zotUser: string;
    config: FileFacts;
    /** Undefined where it is missing, cannot be read, or is larger than any config. */
    configText: string | undefined;
    secretFiles: FileFacts[];
    /** sha256 of the config that was deployed last, as the host has kept it; empty where it knows of none. */
    deployedSha256: string;
    /** Its text, where it is neither the one on the host nor the one that was declared last. */
    deployedText: string | undefined;
    /**
     * Whether what was declared last was ever deployed to the host: a deployment that failed, or was refused, leaves
     * nothing there.
     */
    lastWasDeployed: boolean;
    /** Whether a deployment of it was ever begun there, if it was not deployed. */
    lastWasTried: boolean;
    zotVersion: string;
    /** What ls says of the installed zot. */
    zotBinary: string;
    versionProblem: string;
    /** What answers, where it tells. */
    runningCommit: string;
    service: string;
    /** Who deploys at this moment; empty where nobody does. */
    deploying: string;
    /** Number of a deployment that was begun and not ended; empty where there is none. */
    unended: string;
    /** Whether the start that waits for the issuer is in its place; empty where none is to be. */
    start: string;
    /** What that start says that it has started. */
    startSays: string;
    /** Whether the service is started by it: `yes`, `no`, or empty where that cannot be told. */
    startUsed: string;
    /** Why zot's log, where host.logFile names one, could not be shown; empty where it could. */
    logProblem: string;
    /** Of a service of ours, why it is not started with the host; empty where it is. */
    disabled: string;
    /** The same of the site's own. */
    notStartedWithHost: string;
    serviceFile: string;
    serviceFileState: string;
    url: string;
    serving: Serving;
    servingProblem: string;
    /** Why it is not reachable, for the end of a sentence. */
    silence: string;
    /** What a deployment would be refused for, one sentence each; empty where that was not asked. */
    mistakes: string[];
    /** Whether the host itself knows that a deployment has something to do; undefined where that was not asked. */
    deploymentIsDue: boolean | undefined;
    /** Number of the newest deployment that the host knows of; empty where it knows of none. */
    lastDeployment: string | undefined;
}

/** Characters of a fact. The script on the host cuts it before, and leaves the code of its message. */
const LONGEST_FACT = 4200;

const MARKER = "zot-hardening-observation";

/** Whether the script was run at all: a login shell, or a forced command, may run something else. */
export const hasBegun = (output: Buffer): boolean => output.includes(MARKER);

/**
 * Reads what the script has printed. Undefined where that is not all of it; a refusal of the host is thrown as {@link
 * HostRefusal}.
 */
export function readReport(output: Buffer, configFile: string): HostReport | undefined {
    // What a login shell says before the script does not belong to it.
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
    // Somebody may be writing it at this moment.
    if (texts && texts.length !== size + Number(one("deployedSize"))) return undefined;
    const text = texts?.subarray(0, size);
    const [rights, owner] = one("config").split(" ");
    return {
        user: one("user"),
        zotUser: one("zotUser"),
        config: { path: configFile, rights: rights || undefined, owner: owner ?? "" },
        configText: text?.toString("utf8"),
        secretFiles: all("secret").map((line) => {
            // Of a missing file nothing stands before the hash.
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

/** The host says why it cannot be looked at, such as that sudo wants a password. */
export class HostRefusal extends Error {}

/** A sentence of the host's, which ends with a full stop and its code (docs/messages.md), for the middle of another. */
export function clause(sentence: string): string {
    return sentence.replace(/\.?((?: \[ZH-[A-Z0-9-]+\])?)$/, "$1");
}
