/** The stand-in's package schema: what it has, derived from the types that its inputs are checked against. */
import { inputsType, stateType } from "./inputs";

export function packageSchema(version: string): string {
    const types: Record<string, unknown> = {};
    const properties = (object: typeof inputsType): Record<string, unknown> =>
        Object.fromEntries(
            Object.entries(object.fields).map(([name, field]) => [
                name,
                {
                    ...typeOf(field.type),
                    ...(field.secret ? { secret: true } : {}),
                    ...(field.default !== undefined ? { default: field.default } : {}),
                    ...(name === "triggers" ? { replaceOnChanges: true } : {}),
                },
            ]),
        );
    const required = (object: typeof inputsType) =>
        Object.keys(object.fields).filter((name) => object.fields[name]?.required);
    function typeOf(type: (typeof inputsType.fields)[string]["type"]): Record<string, unknown> {
        if (typeof type === "object") {
            const token = `command:remote:${type.name}`;
            types[token] = { type: "object", properties: properties(type), required: required(type) };
            return { $ref: `#/types/${token}` };
        }
        if (type === "list") return { type: "array", items: { $ref: "pulumi.json#/Any" } };
        if (type === "strings") return { type: "object", additionalProperties: { type: "string" } };
        return { type };
    }
    const command = {
        description: "Runs a command on a remote host over SSH.",
        properties: properties(stateType),
        required: required(stateType),
        inputProperties: properties(inputsType),
        requiredInputs: required(inputsType),
    };
    return JSON.stringify({
        name: "command",
        version,
        description: "The test bed's stand-in for the command plugin: command:remote:Command alone.",
        types,
        resources: { "command:remote:Command": command },
    });
}
