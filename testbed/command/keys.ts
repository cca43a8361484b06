/**
 * Private keys and pinned host keys as the official plugin 1.2.1 reads them: with the forms it takes, and its errors.
 */
import * as crypto from "node:crypto";
import { type ParsedKey, utils } from "ssh2";

/** The private key in `pem`. Throws the official plugin's message where it would not take it. */
export function parsePrivateKey(pem: string, passphrase: string | undefined): ParsedKey {
    const block = firstPemBlock(pem);
    if (!block) throw new Error("ssh: no key found");
    if (block.type === "OPENSSH PRIVATE KEY") return parseOpenSsh(block, passphrase);
    // Only PEM's own encryption counts as one; PKCS 8 has another, which is not understood.
    if (passphrase !== undefined && !block.encrypted) throw new Error("ssh: not an encrypted key");
    if (passphrase === undefined && block.encrypted) throw new Error(passphraseMissing);
    switch (block.type) {
        case "RSA PRIVATE KEY":
        case "EC PRIVATE KEY":
        case "DSA PRIVATE KEY":
            return parsed(block.text, passphrase, passphrase === undefined ? undefined : wrongPassphrase);
        case "PRIVATE KEY":
            return parsed(fromPkcs8(block.text));
        default:
            throw new Error(`ssh: unsupported key type "${block.type}"`);
    }
}

/** The key that a host must show: of several lines, the first one that is a key. */
export function parseHostKey(text: string): { type: string; blob: Buffer } {
    let lastError: string | undefined;
    for (const line of text.split("\n").map((each) => (each.split("\r")[0] as string).trim())) {
        if (line === "" || line.startsWith("#")) continue;
        // A type and a key; or something before them, as a known_hosts line or the options of authorized_keys have.
        const words = line.split(/[ \t]+/);
        for (const candidate of words.slice(1, 3)) {
            const key = keyFromBase64(candidate);
            if (typeof key !== "string") return key;
            lastError = key;
        }
    }
    throw new Error(
        `ssh: no key found${lastError === undefined ? "" : `; last parsing error for ignored line: ${lastError}`}`,
    );
}

const passphraseMissing = "ssh: this private key is passphrase protected";
const wrongPassphrase = "x509: decryption password incorrect";

interface PemBlock {
    type: string;
    /** PEM's own encryption, declared in a header. */
    encrypted: boolean;
    data: Buffer;
    /** The block alone, in the canonical form. */
    text: string;
}

/** What stands around the first block does not matter, nor how its lines end or whether one ends the last. */
function firstPemBlock(text: string): PemBlock | undefined {
    const match = /(?:^|\n)-----BEGIN ([^\n-]+)-----[ \t\r]*\n([\s\S]*?)\n-----END \1-----[ \t\r]*(?:\n|$)/.exec(text);
    if (!match) return undefined;
    const [, type, body] = match as unknown as [string, string, string];
    const lines = body.split("\n").map((line) => line.trim());
    const headers = lines.filter((line) => line.includes(":"));
    const base64 = lines
        .filter((line) => line !== "" && !line.includes(":"))
        .join("")
        .replaceAll(/[ \t]/g, "");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
    const canonical = [
        `-----BEGIN ${type}-----`,
        ...headers,
        ...(headers.length > 0 ? [""] : []),
        ...(base64.match(/.{1,64}/g) ?? []),
        `-----END ${type}-----`,
        "",
    ];
    return {
        type,
        encrypted: headers.some((header) => header.startsWith("Proc-Type:") && header.includes("ENCRYPTED")),
        data: Buffer.from(base64, "base64"),
        text: canonical.join("\n"),
    };
}

function parseOpenSsh(block: PemBlock, passphrase: string | undefined): ParsedKey {
    const magic = Buffer.from("openssh-key-v1\0");
    const invalid = () => new Error("ssh: invalid openssh private key format");
    if (block.data.length < magic.length + 4 || !block.data.subarray(0, magic.length).equals(magic)) throw invalid();
    const cipherLength = block.data.readUInt32BE(magic.length);
    const cipher = block.data.subarray(magic.length + 4, magic.length + 4 + cipherLength).toString("latin1");
    if (cipher !== "none" && passphrase === undefined) throw new Error(passphraseMissing);
    if (cipher === "none" && passphrase !== undefined) throw new Error("ssh: key is not password protected");
    if (passphrase === "") throw new Error("bcrypt_pbkdf: empty password");
    return parsed(block.text, passphrase, cipher === "none" ? invalid().message : wrongPassphrase);
}

function parsed(text: string, passphrase?: string, failure?: string): ParsedKey {
    const key = utils.parseKey(text, passphrase);
    const first = Array.isArray(key) ? (key[0] as ParsedKey) : key;
    if (first instanceof Error) throw new Error(failure ?? `ssh: ${first.message}`);
    return first;
}

/** ssh2 does not read PKCS 8, so the key is written again in the older form of its kind. */
function fromPkcs8(text: string): string {
    const key = crypto.createPrivateKey(text);
    if (key.asymmetricKeyType === "rsa") return key.export({ type: "pkcs1", format: "pem" }) as string;
    if (key.asymmetricKeyType === "ec") return key.export({ type: "sec1", format: "pem" }) as string;
    if (key.asymmetricKeyType === "ed25519") return openSshEd25519(key);
    throw new Error(`ssh: unsupported key type ${key.asymmetricKeyType}`);
}

/** The layout of OpenSSH's PROTOCOL.key, for an ed25519 key without a passphrase. */
function openSshEd25519(key: crypto.KeyObject): string {
    const jwk = key.export({ format: "jwk" });
    const publicPart = Buffer.from(jwk.x as string, "base64url");
    const seed = Buffer.from(jwk.d as string, "base64url");
    const uint32 = (value: number) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        return bytes;
    };
    const string = (value: string | Buffer) => {
        const bytes = Buffer.from(value as string);
        return Buffer.concat([uint32(bytes.length), bytes]);
    };
    const publicBlob = Buffer.concat([string("ssh-ed25519"), string(publicPart)]);
    const check = crypto.randomBytes(4);
    const secrets = Buffer.concat([
        check,
        check,
        string("ssh-ed25519"),
        string(publicPart),
        string(Buffer.concat([seed, publicPart])),
        string(""),
    ]);
    const padding = Buffer.from(Array.from({ length: (8 - (secrets.length % 8)) % 8 }, (_, index) => index + 1));
    const blob = Buffer.concat([
        Buffer.from("openssh-key-v1\0"),
        string("none"),
        string("none"),
        string(""),
        uint32(1),
        string(publicBlob),
        string(Buffer.concat([secrets, padding])),
    ]);
    const lines = blob.toString("base64").match(/.{1,64}/g) as string[];
    return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

/** The key of an `authorized_keys` line's second word, or what is wrong with it. */
function keyFromBase64(text: string): { type: string; blob: Buffer } | string {
    const illegal = /[^A-Za-z0-9+/=]/.exec(text);
    if (illegal) return `illegal base64 data at input byte ${illegal.index}`;
    if (text.length % 4 !== 0) return `illegal base64 data at input byte ${text.length - (text.length % 4)}`;
    const blob = Buffer.from(text, "base64");
    const typeLength = blob.length >= 4 ? blob.readUInt32BE(0) : Infinity;
    if (blob.length < 4 + typeLength) return "ssh: short read";
    const type = blob.subarray(4, 4 + typeLength).toString("latin1");
    const key = utils.parseKey(`${type} ${text}`);
    return key instanceof Error ? "ssh: short read" : { type, blob };
}
