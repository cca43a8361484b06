/**
 * What the OCI image specification, version 1.1, asks of an image manifest and of an index: as much as zot 2.1.20
 * checks of it.
 */
import Ajv, { type ValidateFunction } from "ajv";

const mediaType = {
    type: "string",
    pattern: "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$",
};
/** Any algorithm: whether zot knows it shows when the blob is looked for. */
const digest = { type: "string", pattern: "^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$" };
const texts = { type: "object", additionalProperties: { type: "string" } };
const text = { type: "string" };

const descriptor = (more: object = {}) => ({
    type: "object",
    required: ["mediaType", "size", "digest"],
    properties: {
        mediaType,
        size: { type: "integer" },
        digest,
        urls: { type: "array", items: text },
        annotations: texts,
        ...more,
    },
});

const about = {
    schemaVersion: { const: 2 },
    mediaType,
    artifactType: mediaType,
    annotations: texts,
    subject: descriptor({ data: text, artifactType: mediaType }),
};

const platform = {
    type: "object",
    required: ["architecture", "os"],
    properties: {
        architecture: text,
        os: text,
        "os.version": text,
        "os.features": { type: "array", items: text },
        variant: text,
    },
};

const schemas = {
    // The specification wants a layer; zot does not insist.
    manifest: {
        type: "object",
        required: ["schemaVersion", "config", "layers"],
        properties: {
            ...about,
            config: descriptor({ data: text, artifactType: mediaType }),
            layers: { type: "array", items: descriptor({ data: text, artifactType: mediaType }) },
        },
    },
    index: {
        type: "object",
        required: ["schemaVersion", "manifests"],
        properties: { ...about, manifests: { type: "array", items: descriptor({ platform }) } },
    },
};

const compiled = new Map<keyof typeof schemas, ValidateFunction>();

/** What is wrong with a parsed manifest or index, or undefined. */
export function problemOf(kind: keyof typeof schemas, content: unknown): string | undefined {
    let validate = compiled.get(kind);
    if (!validate) compiled.set(kind, (validate = new Ajv({ strict: false }).compile(schemas[kind])));
    if (validate(content)) return undefined;
    const [error] = validate.errors ?? [];
    return `validation failed: '${error?.instancePath ?? ""}' ${error?.message ?? ""}`;
}
