import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from "node:crypto";
import { promisify } from "node:util";
import type { Fields } from "./apiSchema";

import { timestamp } from "./identifiers";

// Node reads certificates but makes none. A self-signed one is a few nested lists in DER (RFC 5280, 4.1).
const element = (tag: number, ...contents: Buffer[]): Buffer => {
    const content = Buffer.concat(contents);
    const length = content.length;
    if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
    const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, "0"), "hex");
    return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
};
const sequence = (...contents: Buffer[]) => element(0x30, ...contents);
const text = (value: string) => element(0x0c, Buffer.from(value, "utf8"));
const integer = (bytes: Buffer) => element(0x02, bytes);
const bitString = (bytes: Buffer) => element(0x03, Buffer.from([0]), bytes);
const time = (date: Date) => element(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\..*/g, "")}Z`));
const attribute = (identifier: string, value: string) =>
    element(0x31, sequence(element(0x06, Buffer.from(identifier, "hex")), text(value)));
const sha256WithRsa = sequence(element(0x06, Buffer.from("2a864886f70d01010b", "hex")), element(0x05));

/** A certificate and its key as the stand-in stores them: as Authentik's own "authentik Self-signed Certificate". */
export async function newSelfSignedCertificate(name: string): Promise<Fields> {
    const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
    const expiry = new Date(Date.now() + 365 * 24 * 60 * 60_000);
    const subject = sequence(
        attribute("550403", name),
        attribute("55040a", "authentik"),
        attribute("55040b", "Self-signed"),
    );
    const toBeSigned = sequence(
        element(0xa0, integer(Buffer.from([2]))),
        integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
        sha256WithRsa,
        subject,
        sequence(time(new Date(Date.now() - 60_000)), time(expiry)),
        subject,
        publicKey.export({ type: "spki", format: "der" }),
    );
    const certificate = sequence(toBeSigned, sha256WithRsa, bitString(sign("RSA-SHA256", toBeSigned, privateKey)));
    const fingerprint = (algorithm: string) =>
        (createHash(algorithm).update(certificate).digest("hex").match(/../g) as string[]).join(":");
    return {
        name,
        fingerprint_sha256: fingerprint("sha256"),
        fingerprint_sha1: fingerprint("sha1"),
        cert_expiry: timestamp(expiry.getTime()),
        cert_subject: `OU=Self-signed,O=authentik,CN=${name}`,
        managed: null,
        certificate: certificate.toString("base64"),
        private_key: exportPem(privateKey),
    };
}

const exportPem = (key: KeyObject): string => key.export({ type: "pkcs1", format: "pem" }).toString();
