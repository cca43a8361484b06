/** The error bodies of the OCI distribution specification, with zot's words. */
const messages = {
    BLOB_UNKNOWN: [
        "blob unknown to registry",
        "blob unknown to registry \tThis error MAY be returned when a blob is unknown  to the registry in a " +
            "specified repository. This can be returned with a standard get or if a manifest references an " +
            "unknown layer during upload.",
    ],
    BLOB_UPLOAD_INVALID: ["blob upload invalid", "The blob upload encountered an error and can no longer proceed."],
    BLOB_UPLOAD_UNKNOWN: [
        "blob upload unknown to registry",
        "If a blob upload has been cancelled or was never started, this error code MAY be returned.",
    ],
    DENIED: [
        "requested access to the resource is denied",
        "The access controller denied access for the operation on a resource.",
    ],
    DIGEST_INVALID: [
        "provided digest did not match uploaded content",
        "When a blob is uploaded, the registry will check that the content matches the digest provided by " +
            'the client. The error MAY include a detail structure with the key "digest", ' +
            "including the invalid digest string. This error MAY also be returned when a manifest includes an " +
            "invalid layer digest.",
    ],
    MANIFEST_INVALID: [
        "manifest invalid",
        "During upload, manifests undergo several checks ensuring validity. " +
            "If those checks fail, this error MAY be returned, unless a more specific error is included. " +
            "The detail will contain information the failed validation.",
    ],
    MANIFEST_UNKNOWN: [
        "manifest unknown",
        "This error is returned when the manifest, identified by name and tag is unknown to the repository.",
    ],
    NAME_UNKNOWN: [
        "repository name not known to registry",
        "This is returned if the name used during an operation is unknown to the registry.",
    ],
    UNAUTHORIZED: [
        "authentication required",
        "The access controller was unable to authenticate the client. " +
            "Often this will be accompanied by a WWW-Authenticate HTTP response header indicating how to authenticate.",
    ],
    UNSUPPORTED: [
        "the operation is unsupported",
        "The operation was unsupported due to a missing implementation or invalid set of parameters.",
    ],
} as const;

export type ErrorCode = keyof typeof messages;

export interface ErrorBody {
    code: ErrorCode;
    message: string;
    detail: Record<string, string>;
}

export function errorBody(code: ErrorCode, detail: Record<string, string> = {}): ErrorBody {
    const [message, description] = messages[code];
    return { code, message, detail: { description, ...detail } };
}

export const errorList = (code: ErrorCode, detail?: Record<string, string>): { errors: ErrorBody[] } => ({
    errors: [errorBody(code, detail)],
});
