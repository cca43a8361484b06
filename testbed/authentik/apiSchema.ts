import { readFileSync } from "node:fs";
import * as path from "node:path";

import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { parse } from "yaml";

/** A JSON object whose members are known only at run time. */
export type Fields = Record<string, unknown>;

/** One operation of the API: what schema.yml says of a path and a method. */
export interface Operation {
    readonly method: string;
    /** The path as schema.yml writes it: `/core/groups/{group_uuid}/`. */
    readonly path: string;
    /** The names of the query parameters, pagination included. */
    readonly queryParameters: readonly QueryParameter[];
    readonly request: Fields | undefined;
    /** The schema of the successful answer; undefined if it has no body. */
    readonly response: Fields | undefined;
}

export interface QueryParameter {
    readonly name: string;
    readonly schema: Fields;
}

/** What a client sent that does not fit: the member's name and Authentik's words for it. */
export type FieldErrors = Record<string, unknown>;

/**
 * Authentik's OpenAPI document, read lazily. Parsing its 1.7 MB of YAML takes seconds and a stand-in needs one percent
 * of it, so the text is cut along its indentation and only what an operation refers to is parsed and compiled, once.
 */
export class ApiSchema {
    /** The version of Authentik that the document describes, such as "2026.8.3". */
    readonly version: string;
    private readonly paths: Map<string, string>;
    private readonly components: Map<string, string>;
    private readonly parsed = new Map<string, Fields>();
    private readonly compiled = new Map<string, ValidateFunction>();
    private readonly ajv = newAjv();

    constructor(
        file: string = path.join(path.dirname(require.resolve("@goauthentik/api/package.json")), "schema.yml"),
    ) {
        const lines = readFileSync(file, "utf8").split("\n");
        const version = lines.slice(0, 20).find((line) => line.startsWith("  version:"));
        this.version = version?.replace("  version:", "").trim() ?? "unknown";
        const pathsAt = lines.indexOf("paths:");
        const componentsAt = lines.indexOf("components:");
        if (pathsAt < 0 || componentsAt < pathsAt) {
            throw new Error(
                `${file}: no "paths:" followed by "components:"; this is not the schema.yml of @goauthentik/api`,
            );
        }
        this.paths = cut(lines, pathsAt + 1, componentsAt, "  ", "");
        this.components = new Map();
        for (const [section, text] of cut(lines, componentsAt + 1, lines.length, "  ", "")) {
            const inner = text.split("\n");
            for (const [name, body] of cut(inner, 1, inner.length, "    ", "")) {
                this.components.set(`${section}/${name}`, body);
            }
        }
    }

    /** The operation of a path as schema.yml writes it (`/core/groups/`), or undefined if the API has none. */
    operation(method: string, pathTemplate: string): Operation | undefined {
        const item = this.section(this.paths, pathTemplate);
        const operation = item?.[method.toLowerCase()] as Fields | undefined;
        if (!operation) return undefined;
        const responses = operation.responses as Record<string, Fields>;
        const success = Object.keys(responses).find((status) => status.startsWith("2"));
        return {
            method,
            path: pathTemplate,
            queryParameters: ((operation.parameters as Fields[] | undefined) ?? [])
                .map((parameter) => (parameter.$ref ? this.component(parameter.$ref as string) : parameter))
                .filter((parameter) => parameter.in === "query")
                .map((parameter) => ({ name: parameter.name as string, schema: parameter.schema as Fields })),
            request: jsonSchemaOf(operation.requestBody as Fields | undefined),
            response: success ? jsonSchemaOf(responses[success]) : undefined,
        };
    }

    /** The member names of a schema, in Authentik's order. */
    properties(schema: Fields): Record<string, Fields> {
        return (this.resolve(schema).properties as Record<string, Fields> | undefined) ?? {};
    }

    /** Follows `$ref` and the `allOf` of one element that drf-spectacular writes around an enum. */
    resolve(schema: Fields): Fields {
        if (schema.$ref) return this.resolve(this.component(schema.$ref as string));
        const allOf = schema.allOf as Fields[] | undefined;
        return allOf?.length === 1 ? { ...this.resolve(allOf[0] as Fields), ...omit(schema, "allOf") } : schema;
    }

    /** What ajv has to say about a value; empty when it fits. */
    errors(schema: Fields, value: unknown): ErrorObject[] {
        const key = JSON.stringify(schema);
        let validate = this.compiled.get(key);
        if (!validate) {
            validate = this.ajv.compile(this.withDefinitions(schema));
            this.compiled.set(key, validate);
        }
        return validate(value) ? [] : [...(validate.errors ?? [])];
    }

    private withDefinitions(schema: Fields): Fields {
        const definitions: Record<string, Fields> = {};
        const convert = (node: unknown): unknown => {
            if (Array.isArray(node)) return node.map(convert);
            if (typeof node !== "object" || node === null) return node;
            const fields = node as Fields;
            if (typeof fields.$ref === "string") {
                const name = fields.$ref.split("/").pop() as string;
                if (!(name in definitions)) {
                    definitions[name] = {};
                    definitions[name] = convert(this.component(fields.$ref)) as Fields;
                }
                return nullable({ $ref: `#/$defs/${name}` }, fields.nullable);
            }
            const { nullable: orNull, readOnly: _readOnly, discriminator: _discriminator, ...rest } = fields;
            const converted = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, convert(value)]));
            return nullable(converted, orNull);
        };
        const root = convert(schema) as Fields;
        return { ...root, $defs: definitions };
    }

    private component(reference: string): Fields {
        const name = reference.replace("#/components/", "");
        const found = this.section(this.components, name);
        if (!found) throw new Error(`schema.yml refers to ${reference}, which it does not define`);
        return found;
    }

    private section(texts: Map<string, string>, name: string): Fields | undefined {
        const known = this.parsed.get(name);
        if (known) return known;
        const text = texts.get(name);
        if (text === undefined) return undefined;
        const value = Object.values(parse(text) as Fields)[0] as Fields;
        this.parsed.set(name, value);
        return value;
    }
}

function newAjv(): Ajv {
    const ajv = addFormats(new Ajv({ allErrors: true, strict: false, verbose: true }));
    // An empty text is no address, yet Authentik takes and shows it; where it does not, schema.yml has a minimum
    // length.
    for (const name of ["email", "uri"] as const) {
        const format = addFormats.get(name);
        const test =
            format instanceof RegExp ? (text: string) => format.test(text) : (format as (text: string) => boolean);
        ajv.addFormat(name, (text: string) => text === "" || test(text));
    }
    return ajv;
}

/** Cuts lines into blocks, each headed by a key at exactly this indentation. */
function cut(lines: string[], from: number, to: number, indentation: string, name: string): Map<string, string> {
    const blocks = new Map<string, string>();
    let start = -1;
    const close = (end: number) => {
        if (start >= 0) blocks.set(name, lines.slice(start, end).join("\n"));
    };
    for (let index = from; index < to; index++) {
        const line = lines[index] as string;
        if (line.startsWith(indentation) && line[indentation.length] !== " " && line.endsWith(":")) {
            close(index);
            start = index;
            name = line.slice(indentation.length, -1).replace(/^'(.*)'$/, "$1");
        }
    }
    close(to);
    return blocks;
}

function jsonSchemaOf(holder: Fields | undefined): Fields | undefined {
    const content = holder?.content as Record<string, Fields> | undefined;
    return content?.["application/json"]?.schema as Fields | undefined;
}

function nullable(schema: Fields, orNull: unknown): Fields {
    if (!orNull) return schema;
    if (typeof schema.type === "string" && !schema.enum) return { ...schema, type: [schema.type, "null"] };
    return { anyOf: [schema, { type: "null" }] };
}

function omit(fields: Fields, name: string): Fields {
    const { [name]: _omitted, ...rest } = fields;
    return rest;
}
