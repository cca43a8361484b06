/**
 * ssh2 1.17 takes no packet over 35,000 bytes, OpenSSH's sshd 262,144: a script is one packet, so the difference shows.
 * Here a connection of an ssh2 server learns to take what sshd takes. Only AES-GCM is taught, so the server must offer
 * nothing else.
 */
import * as crypto from "node:crypto";
import type { CipherAlgorithm, Connection } from "ssh2";

export const CIPHERS: CipherAlgorithm[] = ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com"];

const LARGEST_PACKET = 256 * 1024;
const TAG_BYTES = 16;

/** What ssh2 keeps of the packet that is being read. */
interface Decipher {
    decrypt(data: Uint8Array, position: number, end: number): number | undefined;
    _decipherInstance: crypto.DecipherGCM;
    _decipherSSLName: "aes-256-gcm" | "aes-128-gcm";
    _decipherKey: Buffer;
    _decipherIV: Buffer;
    /** The length of the packet, and how many of that number's four bytes have come. */
    _len: number;
    _lenBytes: number;
    /** How many bytes of the packet have come, and of the tag after it. */
    _pktLen: number;
    _tagPos: number;
}

export function acceptLargePackets(connection: Connection): void {
    const protocol = (connection as unknown as { _protocol: { _decipher: Decipher } })._protocol;
    // The deciphers follow one another: the first comes with the first keys, others when keys are changed.
    let current = protocol._decipher;
    Object.defineProperty(protocol, "_decipher", {
        get: () => current,
        set: (decipher: Decipher) => {
            current = "_decipherSSLName" in decipher ? taught(decipher) : decipher;
        },
    });
}

/**
 * Hands the decipher one header or one packet at a time, and does itself what it leaves undone when it refuses a
 * length.
 */
function taught(decipher: Decipher): Decipher {
    const decrypt = decipher.decrypt.bind(decipher);
    decipher.decrypt = (data, start, end) => {
        let position = start;
        while (position < end) {
            if (decipher._lenBytes < 4) {
                const headerEnd = position + 4 - decipher._lenBytes;
                if (headerEnd > end) return decrypt(data, position, end);
                try {
                    decrypt(data, position, headerEnd);
                } catch (error) {
                    const { _len: length } = decipher;
                    const acceptable = length >= 16 && length % 16 === 0 && length <= LARGEST_PACKET;
                    if (!(error instanceof Error) || error.message !== "Bad packet length" || !acceptable) throw error;
                    beginPacket(decipher);
                }
                position = headerEnd;
            } else {
                const left = decipher._len - decipher._pktLen + TAG_BYTES - decipher._tagPos;
                const until = Math.min(position + left, end);
                const result = decrypt(data.subarray(0, until), position, until);
                if (result !== undefined) return result;
                position = until;
            }
        }
        return undefined;
    };
    return decipher;
}

/** What follows the check of the length. */
function beginPacket(decipher: Decipher): void {
    const instance = crypto.createDecipheriv(decipher._decipherSSLName, decipher._decipherKey, decipher._decipherIV);
    instance.setAutoPadding(false);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(decipher._len);
    instance.setAAD(length);
    decipher._decipherInstance = instance;
}
