/** Checks a file on a host: its kind, mode, owner and content. Pure. */
import { hashIn } from "./hostObservationInputs";
import type { FileFacts, HostReport } from "./hostReport";

export function rightsProblems({ path, rights, owner }: FileFacts, mode: string, user: string): string[] {
    const problems: string[] = [];
    const found = modeOf(rights!);
    if (found !== mode) problems.push(`${path} has mode ${found} instead of ${mode}`);
    if (user === "")
        problems.push(`${path} belongs to user ${owner}, and the user that it should belong to does not exist`);
    else if (owner !== user) problems.push(`${path} belongs to user ${owner} instead of ${user}`);
    return problems;
}

export function secretProblems(file: FileFacts, { zotUser }: HostReport): string[] {
    if (file.rights === undefined) return [`${file.path} is missing`];
    if (!file.rights.startsWith("-")) return [`${file.path} is not a plain file but ${kindOf(file.rights)}`];
    const problems: string[] = [];
    if (file.sha256 === "unreadable") problems.push(`${file.path} is not readable for the user who deploys`);
    else if (file.sha256 !== "unknown" && file.sha256 !== hashIn(file.path))
        problems.push(`${file.path} has other content`);
    return [...problems, ...rightsProblems(file, "0600", zotUser)];
}

export function kindOf(rights: string): string {
    return { l: "a symbolic link", d: "a folder" }[rights[0]!] ?? "something else";
}

/** `-rw-r--r--` as `0644`. */
export function modeOf(rights: string): string {
    const bits = [...rights.slice(1, 10)];
    const ordinary = bits.reduce((mode, bit) => mode * 2 + (/[rwxst]/.test(bit) ? 1 : 0), 0);
    const special = ["s", "s", "t"].reduce(
        (mode, letter, index) => mode * 2 + (bits[index * 3 + 2]?.toLowerCase() === letter ? 1 : 0),
        0,
    );
    return `${special}${ordinary.toString(8).padStart(3, "0")}`;
}
