/** Reads what a host reports about its zot. Pure. */
import { outsideText } from "../../clients/outsideText";

/** A zot that runs on the host, or that a unit there starts. */
export interface FoundZot {
    /** Id of its process; undefined if it does not run. */
    process?: string;
    /** The user that it runs as. */
    user?: string;
    /** The folder in which it was started; relative paths in its config start there. */
    folder?: string;
    config?: string;
    configThere: boolean;
    configReadable: boolean;
    configOwner?: string;
    binary?: string;
    /** Whether the binary is a file of the host. */
    binaryThere: boolean;
    /** The line of JSON that `zot --version` prints. */
    version?: string;
    manager?: "systemd" | "systemd-user" | "launchd-agent" | "launchd-daemon";
    /** Its unit or job. */
    service?: string;
    /** The command that restarts it, if no unit manager does and the host knows one. */
    restart?: string;
    /** Id of its container. */
    container?: string;
    /** Whether it sees other files than the host has. */
    ownFiles: boolean;
}

export interface HostFacts {
    /** `Linux x86_64`. */
    system: string;
    /** The user who logged in. */
    login: string;
    isRoot: boolean;
    /** Whether sudo works for that user without a password. */
    sudo: boolean;
    curl: boolean;
    zots: FoundZot[];
    /** The requested config, exactly as it is on the host. */
    config?: string;
}

const HEADING = "zot-hardening-setup\n";

/** The report of `hostFacts.sh`; undefined if there is none. Skips the output of a login shell before it. */
export function hostFactsIn(output: string): HostFacts | undefined {
    const start = output.indexOf(HEADING);
    if (start < 0) return undefined;
    const report = output.slice(start + HEADING.length);
    const end = report.search(/^--$/m);
    const facts = end < 0 ? report : report.slice(0, end);
    const [host, ...zots] = facts.split(/^zot\n/m).map(factsIn);
    if (host?.login === undefined) return undefined;
    return {
        system: host.system ?? "",
        login: host.login,
        isRoot: host.uid === "0",
        sudo: host.sudo === "all",
        curl: host.curl === "yes",
        zots: zots.map(({ configThere, configReadable, binaryThere, ownFiles, ...zot }) => ({
            ...(zot as unknown as FoundZot),
            configThere: configThere === "yes",
            configReadable: configReadable === "yes",
            binaryThere: binaryThere === "yes",
            ownFiles: ownFiles === "yes",
        })),
        ...(end < 0 ? {} : { config: report.slice(end + "--\n".length) }),
    };
}

/** Facts by name; an empty one counts as absent. */
function factsIn(text: string): Record<string, string | undefined> {
    const lines = text.split("\n").flatMap((line) => {
        const at = line.indexOf("=");
        const value = line.slice(at + 1).trim();
        return at > 0 && value !== "" ? [[line.slice(0, at), outsideText(value, 1_000)] as const] : [];
    });
    return Object.fromEntries(lines);
}

/** A zot in one line, for a person who has to pick one. */
export function zotInWords({ config, manager, service, container, process, user }: FoundZot): string {
    const by = container
        ? `in the container ${container.slice(0, 12)}`
        : service
          ? `by ${manager} as ${service}`
          : "by no known service manager";
    const state = process === undefined ? "stopped" : `process ${process}${user ? ` of ${user}` : ""}`;
    return `${config ?? "a config that cannot be told"}: ${state}, started ${by}`;
}
