/** An S3 server that accepts only requests signed with its one key; moto, which is behind it, accepts any. */
import { createHash, createHmac } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";

export interface SignedS3 {
    url: string;
    /** How many requests it has taken, and how many not. */
    taken: number;
    refused: number;
    stop(): void;
}

/** @param upstream of moto */
export async function startSignedS3(upstream: string, key: { id: string; secret: string }): Promise<SignedS3> {
    const { hostname, port } = new URL(upstream);
    const server = http.createServer((incoming, outgoing) => {
        if (!isSigned(incoming, key)) {
            found.refused++;
            return void outgoing.writeHead(403).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
        }
        found.taken++;
        const options = { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers };
        const forwarded = http.request({ ...options, agent: false }, (response) => {
            outgoing.writeHead(response.statusCode!, response.headers);
            response.pipe(outgoing);
        });
        forwarded.on("error", () => outgoing.destroy());
        incoming.pipe(forwarded);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const found: SignedS3 = {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        taken: 0,
        refused: 0,
        stop() {
            server.closeAllConnections();
            server.close();
        },
    };
    return found;
}

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Whether a request has the signature of AWS, version 4, for a key. */
function isSigned(
    { method, url, headers }: http.IncomingMessage,
    { id, secret }: { id: string; secret: string },
): boolean {
    const [, of, scope, names, signature] =
        /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]+)$/.exec(
            headers.authorization ?? "",
        ) ?? [];
    if (of !== id || scope === undefined || names === undefined) return false;
    const [path, query = ""] = url!.split("?");
    const request = [
        method,
        path,
        canonical(query),
        ...names.split(";").map((name) => `${name}:${String(headers[name] ?? "").trim()}`),
        "",
        names,
        headers["x-amz-content-sha256"],
    ].join("\n");
    const toSign = [
        "AWS4-HMAC-SHA256",
        headers["x-amz-date"],
        scope,
        createHash("sha256").update(request).digest("hex"),
    ];
    const signing = scope.split("/").reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secret}`);
    return hmac(signing, toSign.join("\n")).toString("hex") === signature;
}

/** A query as it is signed: sorted, and each name and value encoded in one way. */
function canonical(query: string): string {
    const encoded = (text: string) =>
        encodeURIComponent(decodeURIComponent(text.replaceAll("+", " "))).replace(
            /[!'()*]/g,
            (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
        );
    if (query === "") return "";
    return query
        .split("&")
        .map((part) => [...part.split("="), ""].slice(0, 2).map(encoded).join("="))
        .sort()
        .join("&");
}
