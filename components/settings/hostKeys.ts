/** Public SSH keys of hosts, as `ssh-keyscan` prints them. Pure. */

const HOST_KEY = /^(?:\S+ )?(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) (AAAA[0-9A-Za-z+/]+={0,3})(?: .*)?$/;
/** Types that cannot be pinned. */
const OTHER_KEY = /^(?:\S+ )?ssh-(rsa|dss) AAAA\S+(?: .*)?$/;
const PREFERRED = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/** What to check if a scan has found no key. */
export const SCAN_FOUND_NOTHING =
    "a scan that finds nothing prints nothing: " +
    "look at the address, at the port (ssh-keyscan -p PORT), at a firewall, " +
    "and whether the host has a key of that type (ed25519, ecdsa)";

/**
 * The line to pin, out of what `ssh-keyscan` printed. It skips comments, which OpenSSH 9.8 and newer print among the
 * keys. Of several types it picks the ed25519 key, or else an ecdsa key. If it cannot decide, the text stays as it is,
 * and {@link hostKeyMistake} says why.
 */
export function hostKeyOfScan(text: string): string {
    const lines = text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== "" && !line.startsWith("#"));
    if (lines.length <= 1) return lines[0] ?? "";
    const areKeys = lines.every((line) => HOST_KEY.test(line) || OTHER_KEY.test(line));
    if (!areKeys) return lines.join("\n");
    for (const type of PREFERRED) {
        const ofType = lines.filter((line) => HOST_KEY.exec(line)?.[1] === type);
        if (ofType.length === 0) continue;
        const isOne = ofType.every((line) => HOST_KEY.exec(line)![2] === HOST_KEY.exec(ofType[0]!)![2]);
        return isOne ? ofType[0]! : ofType.join("\n");
    }
    return lines[0]!;
}

/** Why this is not a host key to pin; undefined if it is one. */
export function hostKeyMistake(value: string): string | undefined {
    if (value === "") return `it holds no key, and ${SCAN_FOUND_NOTHING}`;
    if (/-----BEGIN/.test(value)) return "it is a private key or a certificate, not the host's public key";
    if (/^[/~.]/.test(value)) return "it is the name of a file, not the line in the file";
    if (/[\r\n]/.test(value)) {
        return "it has more than one line, and they are not the keys of one host, one of each type";
    }
    if (/^(SHA256|MD5):/.test(value)) return "it is a fingerprint, not the key itself";
    if (/\bssh-rsa\b/.test(value)) return "it is an RSA key, which never matches a modern sshd";
    const [, type, encoded] = HOST_KEY.exec(value) ?? [];
    if (!type || !encoded) return "it is not a line of known_hosts";
    // The key holds its type again, after four bytes with the length. A truncated key ends in the middle of a
    // field.
    const key = Buffer.from(encoded, "base64");
    let offset = 0;
    const fields: string[] = [];
    while (offset + 4 <= key.length) {
        const length = key.readUInt32BE(offset);
        fields.push(key.toString("latin1", offset + 4, offset + 4 + length));
        offset += 4 + length;
    }
    const complete = offset === key.length && fields.length === (type === "ssh-ed25519" ? 2 : 3);
    return complete && fields[0] === type ? undefined : "the key in it is incomplete or damaged";
}

/** The settings that say how to reach a host, as they stand in the stack; they may be unchecked. */
export interface ScannedHost {
    address?: unknown;
    port?: unknown;
    jumpAddress?: unknown;
    jumpPort?: unknown;
    jumpUser?: unknown;
    user?: unknown;
}

/** The command that prints the host's key, for `pulumi config set`; through the jump host if there is one. */
export function scanCommand(host: ScannedHost): string {
    // Nobody should paste an unchecked value into a shell.
    const word = (value: unknown) => {
        return typeof value === "string" && /^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$/.test(value) ? value : undefined;
    };
    const onPort = (port: unknown) => (/^\d+$/.test(String(port)) && Number(port) !== 22 ? `-p ${Number(port)} ` : "");
    const jump = word(host.jumpAddress);
    const user = word(host.jumpUser) ?? word(host.user);
    const way = jump ? `ssh ${onPort(host.jumpPort)}${user ? `${user}@` : ""}${jump} ` : "";
    return `"$(${way}ssh-keyscan ${onPort(host.port)}-t ed25519 ${word(host.address) ?? "HOST"})"`;
}
