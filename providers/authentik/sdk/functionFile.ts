/** The source of a function, for plain values and for outputs, with its arguments and its result. */
import type { FunctionDefinition } from "../function";
import { fullDescription } from "../schema";
import { asInput, asOptionalInput, comment, memberOf, typeOf } from "./source";

export function functionFile(definition: FunctionDefinition): string {
    const { name } = memberOf(definition.token);
    const typeName = name.charAt(0).toUpperCase() + name.slice(1);
    const args = Object.entries(definition.arguments).sort(([left], [right]) => (left < right ? -1 : 1));
    const isRequired = args.some(([, argument]) => argument.required);
    const results = new Map<string, { type: string; description: string; optional: boolean }>();
    for (const [key, argument] of args) {
        results.set(key, {
            type: typeOf(argument.type.schema),
            description: fullDescription(argument),
            optional: !argument.required,
        });
    }
    for (const [key, result] of Object.entries(definition.results)) {
        results.set(key, { type: typeOf(result.schema), description: result.description, optional: false });
    }
    const usesTypes = Object.values(definition.results).some((result) => "listOf" in result.schema);
    const pairs = args.map(([key]) => `        "${key}": args.${key},`).join("\n");
    const defaultArgs = isRequired ? "" : "    args = args || {};\n";
    const mark = isRequired ? "" : "?";

    return `import * as pulumi from "@pulumi/pulumi";
${usesTypes ? 'import * as outputs from "./types/output";\n' : ""}import * as utilities from "./utilities";

${comment(definition.description, "")}
export function ${name}(args${mark}: ${typeName}Args, opts?: pulumi.InvokeOptions): Promise<${typeName}Result> {
${defaultArgs}    opts = pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts || {});
    return pulumi.runtime.invoke("${definition.token}", {
${pairs}
    }, opts);
}

/**
 * A collection of arguments for invoking ${name}.
 */
export interface ${typeName}Args {
${args
    .map(
        ([key, argument]) =>
            `${comment(fullDescription(argument))}\n    ` +
            `${key}${argument.required ? "" : "?"}: ${typeOf(argument.type.schema)};`,
    )
    .join("\n")}
}

/**
 * A collection of values returned by ${name}.
 */
export interface ${typeName}Result {
${[...results]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(
        ([key, result]) =>
            `${comment(result.description)}\n    readonly ${key}${result.optional ? "?" : ""}: ${result.type};`,
    )
    .join("\n")}
}

${comment(definition.description, "")}
export function ${name}Output(args${mark}: ${typeName}OutputArgs, opts?: pulumi.InvokeOutputOptions): pulumi.Output<${typeName}Result> {
${defaultArgs}    opts = pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts || {});
    return pulumi.runtime.invokeOutput("${definition.token}", {
${pairs}
    }, opts);
}

/**
 * A collection of arguments for invoking ${name}.
 */
export interface ${typeName}OutputArgs {
${args
    .map(
        ([key, argument]) =>
            `${comment(fullDescription(argument))}\n    ` +
            `${key}${argument.required ? `: ${typeOf(argument.type.schema, asInput)}` : `?: ${asOptionalInput(argument.type.schema)}`};`,
    )
    .join("\n")}
}
`;
}
