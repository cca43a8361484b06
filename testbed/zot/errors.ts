/** The error bodies of the OCI distribution specification. */
const messages = {
    BLOB_UNKNOWN: "blob unknown to registry",
    BLOB_UPLOAD_INVALID: "blob upload invalid",
    BLOB_UPLOAD_UNKNOWN: "blob upload unknown to registry",
    DENIED: "requested access to the resource is denied",
    DIGEST_INVALID: "provided digest did not match uploaded content",
    MANIFEST_INVALID: "manifest invalid",
    MANIFEST_UNKNOWN: "manifest unknown",
    NAME_UNKNOWN: "repository name not known to registry",
    UNAUTHORIZED: "authentication required",
} as const;

export type ErrorCode = keyof typeof messages;

export function errorBody(code: ErrorCode, detail: Record<string, string> = {}) {
    return { code, message: messages[code], detail };
}

export const errorList = (code: ErrorCode, detail?: Record<string, string>) => ({ errors: [errorBody(code, detail)] });
