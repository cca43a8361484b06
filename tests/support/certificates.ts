/** Certificates of a private authority, made by openssl. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findExecutable } from "../../testbed/bootstrap/toolchain.cjs";

/** Why there are none; undefined where there are. */
export const noCertificates = findExecutable("openssl") ? undefined : "no openssl here (Debian's package openssl)";

/** Paths of PEM files. */
export interface Certificate {
    cert: string;
    key: string;
}

/** As Node's servers take one. */
export const contentOf = ({ cert, key }: Certificate) => ({ cert: readFileSync(cert), key: readFileSync(key) });

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/**
 * @param folder where its files are made
 * @param names as openssl has them: `IP:127.0.0.1`, `DNS:registry.test`
 */
export function selfSigned(folder: string, name: string, names: string): Certificate {
    const made = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${names}`];
    openssl("req", "-x509", ...NEW_KEY, "-days", "2", ...subject, "-keyout", made.key, "-out", made.cert);
    return made;
}

/** @returns a certificate that the authority's signs; both are valid for two days */
export function signed(folder: string, by: Certificate, name: string, names: string): Certificate {
    const made = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    const request = join(folder, `${name}.csr`);
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${names}`];
    openssl("req", ...NEW_KEY, ...subject, "-keyout", made.key, "-out", request);
    const signer = ["-CA", by.cert, "-CAkey", by.key, "-CAcreateserial", "-copy_extensions", "copy"];
    openssl("x509", "-req", "-in", request, ...signer, "-days", "2", "-out", made.cert);
    return made;
}

function openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: "pipe" });
}
