/** SSH keys: the one that a host must show, and the one that a user logs in with. Pure. */
import * as crypto from "node:crypto";
import type { ParsedKey } from "ssh2";
import { ssh2 } from "./ssh2";

/** A host's public key in its binary form. */
export interface HostKey {
    /** `ssh-ed25519`, `ecdsa-sha2-nistp256` and so on. */
    type: string;
    blob: Buffer;
}

/** SHA-256 of a public key, as `ssh-keygen -l` shows it. */
export function fingerprint(blob: Buffer): string {
    return `SHA256:${crypto.createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/**
 * The key in one line: type and key, with or without a host name before them and a comment after them. Undefined if the
 * line holds no key.
 */
export function hostKeyOf(line: string): HostKey | undefined {
    const [, type, encoded] =
        /(?:^|\s)(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) (AAAA[0-9A-Za-z+/]+={0,3})(?:\s|$)/.exec(line.trim()) ??
        [];
    if (!type || !encoded || /[\r\n]/.test(line.trim())) return undefined;
    const blob = Buffer.from(encoded, "base64");
    const key = ssh2().utils.parseKey(`${type} ${encoded}`);
    return key instanceof Error ? undefined : { type, blob };
}

/** Why a private key cannot be used, worded for the person who set it. */
export class KeyError extends Error {}

/**
 * The private key in a text. Accepts the same forms as the plugin that runs the remote command (command 1.2.1).
 */
export function privateKeyOf(pem: string, passphrase: string | undefined): ParsedKey {
    const kind = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
    if (!kind?.endsWith("PRIVATE KEY"))
        throw new KeyError("the value given is not a private key in PEM or OpenSSH form");
    if (kind === "ENCRYPTED PRIVATE KEY") {
        throw new KeyError(
            "the private key is encrypted in PKCS 8 form, which is not supported; " +
                "write a copy of it in OpenSSH form with: ssh-keygen -p -f FILE",
        );
    }
    const isEncrypted =
        kind === "OPENSSH PRIVATE KEY" ? !cipherOf(pem).startsWith("none") : /^Proc-Type: 4,ENCRYPTED/m.test(pem);
    if (isEncrypted && passphrase === undefined)
        throw new KeyError("the private key is protected by a passphrase, but none is set (host.privateKeyPassphrase)");
    if (!isEncrypted && passphrase !== undefined)
        throw new KeyError("a passphrase is set (host.privateKeyPassphrase), but the private key has none; remove it");
    const parsed = ssh2().utils.parseKey(kind === "PRIVATE KEY" ? fromPkcs8(pem) : `${pem.trim()}\n`, passphrase);
    const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey) : parsed;
    if (!(key instanceof Error)) return key;
    if (isEncrypted) throw new KeyError("the passphrase (host.privateKeyPassphrase) does not fit the private key");
    throw new KeyError(
        "the private key cannot be read: it is damaged, or its type is not supported (ed25519, " + "ecdsa and RSA are)",
    );
}

/** The name of the cipher in an OpenSSH private key. */
function cipherOf(pem: string): string {
    const magic = "openssh-key-v1\0";
    const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(pem)?.[1] ?? "";
    const decoded = Buffer.from(body, "base64").toString("latin1");
    // Four bytes with the length precede the cipher's name.
    return decoded.startsWith(magic) ? decoded.slice(magic.length + 4) : "none";
}

/** Rewrites the key in the older form of its kind, because ssh2 does not read PKCS 8. */
function fromPkcs8(pem: string): string {
    let key: crypto.KeyObject;
    try {
        key = crypto.createPrivateKey(pem);
    } catch {
        throw new KeyError("the private key cannot be read: it is damaged");
    }
    switch (key.asymmetricKeyType) {
        case "rsa":
            return key.export({ type: "pkcs1", format: "pem" }) as string;
        case "ec":
            return key.export({ type: "sec1", format: "pem" }) as string;
        case "ed25519":
            return openSshEd25519(key);
        default:
            throw new KeyError(
                `the private key is of type ${key.asymmetricKeyType ?? "unknown"}, which is not supported; ` +
                    "ed25519, ecdsa and RSA are",
            );
    }
}

/** An ed25519 key without a passphrase in the layout of OpenSSH's PROTOCOL.key. */
function openSshEd25519(key: crypto.KeyObject): string {
    const { x, d } = key.export({ format: "jwk" }) as { x: string; d: string };
    const [publicPart, seed] = [Buffer.from(x, "base64url"), Buffer.from(d, "base64url")];
    const number = (value: number) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        return bytes;
    };
    const field = (value: Buffer | string) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)]);
    const publicKey = Buffer.concat([field("ssh-ed25519"), field(publicPart)]);
    const check = number(0x5eed5eed);
    const secret = Buffer.concat([check, check, publicKey, field(Buffer.concat([seed, publicPart])), field("")]);
    const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
    const whole = Buffer.concat([
        Buffer.from("openssh-key-v1\0"),
        field("none"),
        field("none"),
        field(""),
        number(1),
        field(publicKey),
        field(Buffer.concat([secret, padding])),
    ]);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${whole
        .toString("base64")
        .match(/.{1,70}/g)!
        .join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
