/** Key pairs for an SSH host and its user, in OpenSSH's own formats. */
import { utils } from "ssh2";

export type KeyType = "ed25519" | "ecdsa" | "rsa";

export interface KeyPair {
    /** `-----BEGIN OPENSSH PRIVATE KEY-----`, ends with a newline. */
    privateKeyPem: string;
    /** One line as in `authorized_keys`: type, key and comment. */
    publicKey: string;
}

export function generateKeyPair(type: KeyType, comment: string): KeyPair {
    // An ed25519 key whose seed begins with certain bytes is written by ssh2 1.17 in a form that it cannot read again
    // (about one in 256), so each is read back before it is used.
    for (;;) {
        const pair =
            type === "ed25519"
                ? utils.generateKeyPairSync("ed25519", { comment })
                : type === "ecdsa"
                  ? utils.generateKeyPairSync("ecdsa", { bits: 256, comment })
                  : utils.generateKeyPairSync("rsa", { bits: 2048, comment });
        if (utils.parseKey(pair.private) instanceof Error || utils.parseKey(pair.public) instanceof Error) continue;
        return { privateKeyPem: `${pair.private.trimEnd()}\n`, publicKey: pair.public.trim() };
    }
}
