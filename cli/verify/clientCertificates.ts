/** Whether a server asks its clients for a certificate; a client without one is not told. */
import { connect as connectPlain } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

const TIMEOUT = 10_000;
const HANDSHAKE = 22;
const MESSAGE = { certificateRequest: 13, serverHelloDone: 14 };

/**
 * Finds out by a handshake in TLS 1.2, in which the request is readable. Nothing is sent over the connection, so the
 * server's own certificate does not matter.
 * @returns undefined if it cannot be determined, for example for a server that only speaks TLS 1.3
 */
export function asksForCertificate(url: URL): Promise<boolean | undefined> {
    const { hostname } = url;
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    return new Promise((resolve) => {
        const received: Buffer[] = [];
        const socket = connectPlain({ host, port: Number(url.port || 443) });
        const tap = new Duplex({
            read: () => undefined,
            write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
            final: (done) => void socket.end(done),
        });
        const secure = connectTls({
            socket: tap,
            maxVersion: "TLSv1.2",
            rejectUnauthorized: false,
            ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
        });
        const end = () => {
            clearTimeout(timer);
            secure.destroy();
            tap.destroy();
            socket.destroy();
            resolve(requestIn(Buffer.concat(received)));
        };
        const timer = setTimeout(end, TIMEOUT);
        socket.on("data", (chunk) => {
            received.push(chunk);
            tap.push(chunk);
        });
        socket.on("error", end);
        socket.on("close", end);
        tap.on("error", end);
        secure.on("error", end);
        secure.on("secureConnect", end);
    });
}

/** What the server's half of a handshake says; undefined if it ended too early. Pure. */
export function requestIn(bytes: Buffer): boolean | undefined {
    const messages: Buffer[] = [];
    for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
        // What follows is of another kind, or encrypted.
        if (bytes[at] !== HANDSHAKE) break;
        messages.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3)));
    }
    const handshake = Buffer.concat(messages);
    for (let at = 0; at + 4 <= handshake.length; at += 4 + handshake.readUIntBE(at + 1, 3)) {
        if (handshake[at] === MESSAGE.certificateRequest) return true;
        if (handshake[at] === MESSAGE.serverHelloDone) return false;
    }
    return undefined;
}
