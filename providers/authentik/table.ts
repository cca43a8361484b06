/**
 * Applies a resource's table of properties: compares what a program declares, what the state knows, and what Authentik
 * has. Sends no requests.
 */
import { isAtLeast } from "../../clients/authentik/version";
import {
    isKnown,
    type PropertyDiff,
    type PropertyMap,
    type PropertyValue,
    type ResourceState,
    UNKNOWN,
} from "../protocol";
import { isLeftOut, type NamedProperty, outputsOf, propertiesOf, type ResourceDefinition } from "./definition";
import { isNothing, type PropertyType, sameProperty } from "./propertyTypes";

export class PropertyTable<Answer extends object, Request extends object> {
    readonly properties: NamedProperty[];
    readonly byName: Map<string, NamedProperty>;
    readonly outputs: ReturnType<typeof outputsOf>;

    /** @param serverVersion undefined if it is not known */
    constructor(
        readonly definition: ResourceDefinition<Answer, Request>,
        private readonly serverVersion: () => string | undefined,
    ) {
        this.properties = propertiesOf(definition);
        this.byName = new Map(this.properties.map((property) => [property.name, property]));
        this.outputs = outputsOf(definition);
    }

    diff(inputs: PropertyMap, oldInputs: PropertyMap, oldOutputs: PropertyMap) {
        const properties: Record<string, PropertyDiff> = {};
        for (const name of this.differences(inputs, oldInputs, oldOutputs)) {
            const wanted = inputs[name];
            const actual = this.actual(name, oldInputs, oldOutputs);
            const kind =
                isNothing(actual) && !isNothing(wanted)
                    ? "add"
                    : isNothing(wanted) && wanted === undefined
                      ? "delete"
                      : "update";
            properties[name] = { kind, inputDiff: !sameProperty(this.byName.get(name)!.type, wanted, oldInputs[name]) };
        }
        return { changes: Object.keys(properties).length > 0, properties };
    }

    /** Names of properties whose declared value differs from what was last seen. */
    differences(inputs: PropertyMap, oldInputs: PropertyMap, oldOutputs: PropertyMap): string[] {
        return this.properties
            .filter((property) => {
                const wanted = inputs[property.name];
                if (wanted === undefined && property.absent === "unmanaged") return false;
                const actual = this.actual(property.name, oldInputs, oldOutputs);
                // A state from before a server omitted it; the program's own value is sent once.
                if (
                    isLeftOut(property, actual) &&
                    property.default !== undefined &&
                    isKnown(wanted) &&
                    sameProperty(property.type, wanted, property.default)
                )
                    return false;
                return !sameProperty(property.type, wanted, actual);
            })
            .map((property) => property.name);
    }

    /** Authentik does not return some values (a password); they count as they were last set. */
    actual(name: string, oldInputs: PropertyMap, oldOutputs: PropertyMap): PropertyValue | undefined {
        return this.byName.get(name)?.field === undefined ? oldInputs[name] : oldOutputs[name];
    }

    /** What is known before a write. */
    preview(inputs: PropertyMap, oldOutputs?: PropertyMap): ResourceState {
        const properties: PropertyMap = oldOutputs ? { ...oldOutputs } : {};
        for (const property of this.properties) {
            const value = inputs[property.name];
            if (value !== undefined) properties[property.name] = value;
            else if (property.absent !== "unmanaged") delete properties[property.name];
            else if (!oldOutputs && !property.refused) properties[property.name] = UNKNOWN;
        }
        if (!oldOutputs) {
            properties[this.definition.idOutput] = UNKNOWN;
            for (const output of this.outputs) properties[output.name] = UNKNOWN;
        }
        return { id: "", properties };
    }

    toRequest(inputs: PropertyMap): Request {
        const request: Record<string, unknown> = {};
        for (const property of this.properties) {
            const value = inputs[property.name];
            if (property.field !== undefined && value !== undefined)
                request[property.field] = property.type.toApi(value);
        }
        return request as Request;
    }

    toChanges(inputs: PropertyMap, changed: ReadonlySet<string>): Partial<Request> | undefined {
        const changedFields = this.properties.filter(
            (property) => property.field !== undefined && changed.has(property.name),
        );
        if (changedFields.length === 0) return undefined;
        const changes: Record<string, unknown> = {};
        for (const property of this.properties) {
            if (property.field === undefined) continue;
            const isAlwaysSent =
                (this.definition.alwaysSent as readonly string[] | undefined)?.includes(property.field) ?? false;
            if (!changedFields.includes(property) && !isAlwaysSent) continue;
            const value = inputs[property.name];
            if (value === undefined && property.absent === "unmanaged") continue;
            changes[property.field] = value === undefined ? property.type.nothing : property.type.toApi(value);
        }
        return changes as Partial<Request>;
    }

    /** The object's fields as outputs, in the program's own spelling if it means the same. */
    fieldOutputs(answer: Answer, reference: PropertyMap): PropertyMap {
        const values: PropertyMap = {};
        const fields = answer as Record<string, unknown>;
        for (const property of this.properties) {
            const said = reference[property.name];
            if (property.field === undefined) {
                if (said !== undefined) values[property.name] = said;
                continue;
            }
            if (this.isUnknownToServer(property, fields)) {
                if (said !== undefined) values[property.name] = said;
                continue;
            }
            const actual = property.type.fromApi(fields[property.field]);
            if (actual === undefined) continue;
            values[property.name] = inWordsOf(property.type, said, actual);
        }
        values[this.definition.idOutput] = this.definition.idOf(answer);
        for (const output of this.outputs) {
            if (output.field === undefined) continue;
            const value = output.type.fromApi(fields[output.field]);
            if (value !== undefined) values[output.name] = value;
        }
        return values;
    }

    /** The minimal inputs with which a program would declare this object. Secrets stay out of generated programs. */
    importedInputs(outputs: PropertyMap): PropertyMap {
        const inputs: PropertyMap = {};
        for (const property of this.properties) {
            const value = outputs[property.name];
            if (value === undefined || property.secret || property.field === undefined) continue;
            if (property.absent === "unmanaged" && !property.imported) continue;
            const usual = property.default;
            const isUsual = usual === undefined ? isNothing(value) : sameProperty(property.type, usual, value);
            if (property.required || property.autonamed || !isUsual) inputs[property.name] = value;
        }
        return inputs;
    }

    /** The old inputs, updated where the object has changed. */
    refreshedInputs(oldInputs: PropertyMap, outputs: PropertyMap): PropertyMap {
        const inputs: PropertyMap = { ...oldInputs };
        for (const property of this.properties) {
            if (property.field === undefined) continue;
            const said = oldInputs[property.name];
            if (said === undefined && property.absent === "unmanaged") continue;
            const actual = outputs[property.name];
            if (sameProperty(property.type, said ?? property.default, actual)) continue;
            if (actual === undefined) delete inputs[property.name];
            else inputs[property.name] = actual;
        }
        return inputs;
    }

    /** Whether the object has everything that was requested (or the named part of it). */
    isAsAsked(answer: Answer, inputs: PropertyMap, names?: ReadonlySet<string>): boolean {
        const fields = answer as Record<string, unknown>;
        return this.properties.every((property) => {
            if (property.field === undefined || (names && !names.has(property.name))) return true;
            const wanted = inputs[property.name];
            if (wanted === undefined && property.absent === "unmanaged") return true;
            if (this.isUnknownToServer(property, fields)) return true;
            return sameProperty(property.type, wanted, property.type.fromApi(fields[property.field]));
        });
    }

    /** Whether it is the object in the state, judged by values that only Authentik assigns. */
    isTheSame(answer: Answer, oldOutputs: PropertyMap): boolean {
        return this.outputs.every((output) => {
            if (output.field === undefined) return true;
            const value = output.type.fromApi((answer as Record<string, unknown>)[output.field]);
            return oldOutputs[output.name] === undefined || value === oldOutputs[output.name];
        });
    }

    /**
     * Whether the server's value for a property means nothing: the server omits it, or shows one that it does not
     * accept yet.
     */
    isUnknownToServer(property: NamedProperty, fields: Record<string, unknown>): boolean {
        const version = this.serverVersion();
        if (property.since && version && !isAtLeast(version, property.since)) return true;
        return property.field !== undefined && isLeftOut(property, fields[property.field]);
    }
}

/** The value as the program wrote it, if Authentik's means the same; lists keep the program's order. */
function inWordsOf(type: PropertyType, said: PropertyValue | undefined, actual: PropertyValue): PropertyValue {
    if (said === undefined || !isKnown(said)) return actual;
    if (sameProperty(type, said, actual) && !isNothing(said)) return said;
    if (!Array.isArray(said) || !Array.isArray(actual)) return actual;
    const place = (item: PropertyValue) => {
        const index = said.findIndex((candidate) => type.same([candidate], [item]));
        return index < 0 ? said.length : index;
    };
    return [...actual].sort((left, right) => place(left) - place(right));
}
