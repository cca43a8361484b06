/** Checks what a program declares for a resource, fills in defaults, and words what is wrong. */
import { createHash, randomBytes } from "node:crypto";
import { type CheckFailure, type CheckRequest, type PropertyMap, type PropertyValue, UNKNOWN } from "../protocol";
import type { NamedProperty } from "./definition";
import type { PropertyTable } from "./table";
import { withArticle } from "./words";

/** @param resourceName the beginning of an automatic name */
export function checkInputs<Answer extends object, Request extends object>(
    table: PropertyTable<Answer, Request>,
    { inputs: given, oldInputs, randomSeed, autonaming }: CheckRequest,
    resourceName: string,
): { inputs: PropertyMap; failures: CheckFailure[] } {
    const inputs: PropertyMap = {};
    const failures: CheckFailure[] = [];
    for (const [name, value] of Object.entries(given)) {
        if (name.startsWith("__") || value === null) continue; // Notes that the bridge left in a state that it wrote.
        const checked = checkOne(table, name, value);
        if ("reason" in checked) failures.push(checked);
        else inputs[name] = checked.value;
    }
    for (const property of table.properties) {
        const { name } = property;
        if (inputs[name] !== undefined || failures.some((failure) => failure.property === name)) continue;
        const value = property.autonamed
            ? automaticName(property, oldInputs, autonaming, () => `${resourceName}-${randomDigits(randomSeed)}`)
            : (property.default ?? missing(property));
        if (isFailure(value)) failures.push(value);
        else if (value !== undefined) inputs[name] = value;
    }
    if (failures.length === 0) failures.push(...(table.definition.check?.(inputs) ?? []));
    return { inputs, failures };
}

function checkOne<Answer extends object, Request extends object>(
    { definition, byName, outputs, properties }: PropertyTable<Answer, Request>,
    name: string,
    value: PropertyValue,
): { value: PropertyValue } | CheckFailure {
    const property = byName.get(name);
    if (name === definition.idOutput || outputs.some((output) => output.name === name))
        return { property: name, reason: `${name} is assigned by Authentik: leave it out` };
    if (!property)
        return {
            property: name,
            reason:
                `${name} is not a property of ${withArticle(definition.noun)}. ` +
                `It has: ${properties.map((known) => known.name).join(", ")}`,
        };
    if (property.refused) return { property: name, reason: `${name} ${property.refused}` };
    if (value === UNKNOWN) return { value };
    const result = property.type.check(value);
    if (!("reason" in result)) return result;
    // The given value may be a secret; then the message only has the property's name.
    const reason = property.secret ? result.reason.replace(/, not .*$/s, "") : result.reason;
    const path = `${name}${result.path ?? ""}`;
    return { property: path, reason: `${path} ${reason}` };
}

/** The old name, or a new one as the project's settings demand. */
function automaticName(
    { name }: NamedProperty,
    oldInputs: PropertyMap | undefined,
    autonaming: CheckRequest["autonaming"],
    usual: () => string,
): string | Failure {
    const old = oldInputs?.[name];
    if (typeof old === "string" && old !== "" && old !== UNKNOWN) return old;
    if (autonaming?.mode === "disable")
        return new Failure(name, `${name} is required, since this project's settings turn automatic names off`);
    return autonaming?.proposedName || usual();
}

const missing = ({ name, required, description }: NamedProperty): Failure | undefined =>
    required ? new Failure(name, `${name} is required: ${description}`) : undefined;

/** A class, so that it can be told from a property's value, which may be any map. */
class Failure implements CheckFailure {
    constructor(
        readonly property: string,
        readonly reason: string,
    ) {}
}
const isFailure = (value: PropertyValue | Failure | undefined): value is Failure => value instanceof Failure;

/** Seven hexadecimal digits from the engine's seed: the same in a preview and in the update that follows it. */
function randomDigits(seed: Uint8Array): string {
    return createHash("sha256")
        .update(seed.length > 0 ? seed : randomBytes(16))
        .digest("hex")
        .slice(0, 7);
}
