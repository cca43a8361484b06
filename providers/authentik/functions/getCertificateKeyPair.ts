import { failureIn } from "../../../clients/authentik/failures";
import { missingPermission } from "../errors";
import type { FunctionDefinition } from "../function";
import { boolean, text } from "../propertyTypes";

export const getCertificateKeyPair: FunctionDefinition = {
    token: "authentik:index/getCertificateKeyPair:getCertificateKeyPair",
    description:
        "Looks up a certificate. Its private key comes along unless `fetchKey` is false, " +
        "and then needs a permission of its own.",
    noun: "certificate",
    permission: "authentik_crypto.view_certificatekeypair",
    arguments: {
        name: { type: text, required: true, description: "The certificate's name." },
        fetchCertificate: { type: boolean, default: true, description: "Whether to fetch the certificate itself." },
        fetchKey: { type: boolean, default: true, description: "Whether to fetch the private key." },
    },
    results: {
        id: { schema: { type: "string" }, description: "The certificate's id, which providers refer to." },
        certificateData: { schema: { type: "string" }, description: "The certificate, PEM." },
        keyData: { schema: { type: "string" }, description: "The private key, PEM.", secret: true },
        expiry: { schema: { type: "string" }, description: "When it expires, ISO 8601." },
        subject: { schema: { type: "string" }, description: "Its subject." },
        fingerprint1: { schema: { type: "string" }, description: "Its SHA-1 fingerprint." },
        fingerprint256: { schema: { type: "string" }, description: "Its SHA-256 fingerprint." },
    },
    nameArgument: "name",
    namesLike: async (client, search) =>
        (await client.crypto.cryptoCertificatekeypairsList({ search })).results.map(({ name }) => name),
    lookUp: async (client, args) => {
        const { results } = await client.crypto.cryptoCertificatekeypairsList({ name: args.name as string });
        const found = results.find((candidate) => candidate.name === args.name);
        if (!found) return undefined;
        const needing = <Data>(permission: string, request: Promise<Data>) =>
            request.catch((error: unknown) => {
                const failure = failureIn(error);
                throw failure?.kind === "forbidden"
                    ? missingPermission(
                          client.url,
                          `fetch what certificate ${found.name} holds`,
                          `authentik_crypto.${permission}`,
                          failure,
                      )
                    : error;
            });
        const [certificate, key] = await Promise.all([
            args.fetchCertificate
                ? needing(
                      "view_certificatekeypair_certificate",
                      client.crypto.cryptoCertificatekeypairsViewCertificateRetrieve({ kpUuid: found.pk }),
                  )
                : undefined,
            args.fetchKey
                ? needing(
                      "view_certificatekeypair_key",
                      client.crypto.cryptoCertificatekeypairsViewPrivateKeyRetrieve({ kpUuid: found.pk }),
                  )
                : undefined,
        ]);
        return {
            id: found.pk,
            certificateData: certificate ? `${certificate.data}\n` : "",
            keyData: key ? `${key.data}\n` : "",
            expiry: found.certExpiry?.toISOString() ?? "",
            subject: found.certSubject ?? "",
            fingerprint1: found.fingerprintSha1 ?? "",
            fingerprint256: found.fingerprintSha256 ?? "",
        };
    },
};
