/** Formats names, types and comments of the package's members. */
import type { SchemaType } from "../propertyTypes";

/** `authentik:index/group:Group`: file `group`, class `Group`. */
export function memberOf(token: string): { module: string; file: string; name: string } {
    const [, module = "", name = ""] = token.split(":");
    return { module, file: module.split("/").pop() ?? "", name };
}

export function typeOf(
    schema: SchemaType | { listOf: string },
    wrap: (type: string) => string = (type) => type,
): string {
    if ("listOf" in schema) return `outputs.${schema.listOf}[]`;
    switch (schema.type) {
        case "integer":
            return wrap("number");
        case "array":
            return wrap(`${typeOf(schema.items ?? { type: "string" }, wrap)}[]`);
        case "object":
            return wrap(`{[key: string]: ${typeOf(schema.additionalProperties ?? { type: "string" }, wrap)}}`);
        default:
            return wrap(schema.type);
    }
}

export const asInput = (type: string) => `pulumi.Input<${type}>`;

/** The type of an optional argument, which may also be an output without a value. */
export const asOptionalInput = (schema: SchemaType) => `${typeOf(schema, asInput).slice(0, -1)} | undefined>`;

export function comment(text: string, indent = "    "): string {
    const words = text.split(" ");
    const lines: string[] = [];
    for (const word of words) {
        const last = lines[lines.length - 1];
        if (last === undefined || `${last} ${word}`.length > 110) lines.push(word);
        else lines[lines.length - 1] = `${last} ${word}`;
    }
    return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`].join("\n");
}
