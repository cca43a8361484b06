/**
 * The core that all resources share: from a table of properties and the five calls of the API to the operations of the engine.
 *
 * The semantics are those of the Terraform provider and its bridge, so that programs move between the two: a property that has a
 * default, or that is empty unless said otherwise, is mended when someone changed it by hand; one that Authentik computes by itself
 * (`absent: "unmanaged"`) only counts where the program says it.
 */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { during } from "../../clients/authentik/call";
import type { Client } from "../../clients/authentik/client";
import { type ApiFailure, failureIn, isNotFound } from "../../clients/authentik/failures";
import { isAtLeast } from "../../clients/authentik/version";
import { UserError } from "../../clients/userError";
import {
    type CallContext,
    type CheckFailure,
    isKnown,
    PartialFailure,
    type PropertyDiff,
    type PropertyMap,
    type PropertyValue,
    type ResourceHandler,
    type ResourceState,
    UNKNOWN,
} from "../protocol";
import { isDuplicate, missingPermission } from "./errors";
import { isNothing, type PropertyType, sameProperty } from "./propertyTypes";

/** A property that programs may set. */
export interface Property {
    type: PropertyType;
    /** Markdown, one or two sentences. */
    description: string;
    /** The name in Pulumi, where it is not the API's. */
    name?: string;
    required?: boolean;
    default?: PropertyValue;
    /** Where the program says nothing: the resource's name and seven random digits, as Pulumi names things. */
    autonamed?: boolean;
    /**
     * What it means that the program says nothing and there is no default: the property is empty, and is emptied again when someone
     * filled it by hand; or it is left to Authentik. Default "empty".
     */
    absent?: "empty" | "unmanaged";
    /** Whether `pulumi import` writes it into the program although it could be left to Authentik. */
    imported?: boolean;
    secret?: boolean;
    /** The first version that takes it; undefined where every supported version does. Checked against the API's documents of each. */
    since?: string;
    /** A server before `since` is not refused: it goes on without the property, and nobody is told. */
    ignoredWhereUnknown?: boolean;
}

/** A property of our own, which is not a field of the API's object. */
export interface OwnProperty extends Property {
    /** Refuse it with this reason (after the property's name). */
    refused?: string;
}

/** A value that only Authentik gives. */
export interface Output {
    name: string;
    type: PropertyType;
    description: string;
    secret?: boolean;
}

type FieldOf<Shape> = keyof Shape & string;

export interface ResourceDefinition<Answer extends object, Request extends object> {
    /** `authentik:index/group:Group` */
    token: string;
    /** What messages call it: `group`. */
    noun: string;
    description: string;
    /** By field of the API's request. */
    properties: { [Field in FieldOf<Request>]?: Property };
    ownProperties?: Record<string, OwnProperty>;
    /** By field of the API's answer. */
    outputs?: { [Field in FieldOf<Answer>]?: Output };
    /** The id under the name that the bridged package gives it: `groupId`. */
    idOutput: string;
    idOf(answer: Answer): string;
    /** How a person finds the id of one that exists, for `pulumi import`. */
    idHelp: string;
    /** The id that the API takes, where it can change under the resource (a slug). Default: the resource's id. */
    currentId?(id: string, properties: PropertyMap): string;
    /** A reason why an id cannot be one. */
    checkId?(id: string): string | undefined;
    /** The permissions of Django that its operations need: `authentik_core.add_group` and so on. */
    permission: { app: string; model: string };
    /** The property that no two of them share. */
    keyProperty: string;
    /** What tells one from another in messages. */
    label(inputs: PropertyMap): string;
    /** Rules over more than one property. Values may be unknown. */
    check?(inputs: PropertyMap): CheckFailure[];
    /** Work on objects of one key is done one after another. */
    serialKey?(inputs: PropertyMap): string;
    /** Those with the same natural key, or with the same value in another unique field. The API's filters may ignore what they do not know. */
    find(client: Client, request: Request, by?: FieldOf<Request>): Promise<Answer[]>;
    /** Why one that `find` found is in the way without being the same; undefined where it is the same, and could be imported. */
    clash?(inputs: PropertyMap, found: Answer): string | undefined;
    /** Better words for what Authentik says to a write that it refuses. */
    refusal?(failure: ApiFailure): string | undefined;
    create(client: Client, request: Request): Promise<Answer>;
    read(client: Client, id: string): Promise<Answer>;
    /** The object that the state knows, where it is no longer found by its id: a slug that was changed by hand. */
    lookFor?(client: Client, oldOutputs: PropertyMap): Promise<Answer | undefined>;
    /** A PATCH. */
    update(client: Client, id: string, changes: Partial<Request>): Promise<Answer>;
    delete(client: Client, id: string): Promise<void>;
    /** Fields that every update must carry, changed or not. */
    alwaysSent?: readonly FieldOf<Request>[];
    /**
     * What else has to happen once the object exists or was updated: `changed` names own properties. What it returns becomes outputs.
     */
    afterWrite?(client: Client, answer: Answer, inputs: PropertyMap, changed: ReadonlySet<string>): Promise<void>;
    /** Outputs that a read has to fetch separately. */
    extraOutputs?(client: Client, answer: Answer, inputs: PropertyMap, oldOutputs: PropertyMap): Promise<PropertyMap>;
    extraOutputTypes?: Record<string, Omit<Output, "name">>;
}

/** A property with its place in the API's objects; `field` is undefined for one of our own. */
export interface NamedProperty extends OwnProperty {
    name: string;
    field: string | undefined;
}

// The definitions of all resources stand in one list, whatever their API objects.
// biome-ignore lint/suspicious/noExplicitAny: any object of any API
export type AnyResourceDefinition = ResourceDefinition<any, any>;

/** All properties that programs may set, by Pulumi name. */
export function propertiesOf(definition: AnyResourceDefinition): NamedProperty[] {
    const fields = Object.entries(definition.properties as Record<string, Property>).map(([field, property]) => ({
        ...property,
        name: property.name ?? field,
        field,
    }));
    const own = Object.entries(definition.ownProperties ?? {}).map(([name, property]) => ({
        ...property,
        name,
        field: undefined,
    }));
    return [...fields, ...own].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Whether the property always has a value once the resource exists, whatever the program says. */
export const isAlwaysPresent = (property: NamedProperty): boolean =>
    Boolean(
        property.required || property.autonamed || (property.absent === "unmanaged" && property.field !== undefined),
    );

/** All values that only Authentik gives, by Pulumi name, the id under its bridged name among them. */
export function outputsOf(definition: AnyResourceDefinition): (Output & { field: string | undefined })[] {
    const fields = Object.entries((definition.outputs ?? {}) as Record<string, Output>).map(([field, output]) => ({
        ...output,
        field,
    }));
    const extra = Object.entries(definition.extraOutputTypes ?? {}).map(([name, output]) => ({
        ...output,
        name,
        field: undefined,
    }));
    return [...fields, ...extra];
}

/**
 * Whether a server that gave no value for a property does not know it: such a property is as the program said, and no difference. What a
 * server knows it always answers with, except references and numbers, which may be null (in the API's documents of 2025.10 to 2026.8).
 */
const isLeftOut = (property: NamedProperty, value: unknown): boolean =>
    property.field !== undefined && property.type.nothing !== null && (value === undefined || value === null);

export const secretsOf = (definition: AnyResourceDefinition): string[] =>
    [...propertiesOf(definition), ...outputsOf(definition)]
        .filter((property) => property.secret)
        .map((property) => property.name);

/** The object was written, but whether it came through is not known: how often, and how long, to look again. */
const looks = { times: 3, pause: 700 };

export function resourceHandler<Answer extends object, Request extends object>(
    definition: ResourceDefinition<Answer, Request>,
    clientOf: () => Client,
): ResourceHandler {
    return new Resource(definition, clientOf).handler();
}

class Resource<Answer extends object, Request extends object> {
    private readonly properties: NamedProperty[];
    private readonly byName: Map<string, NamedProperty>;
    private readonly outputs: ReturnType<typeof outputsOf>;

    constructor(
        private readonly definition: ResourceDefinition<Answer, Request>,
        private readonly clientOf: () => Client,
    ) {
        this.properties = propertiesOf(definition);
        this.byName = new Map(this.properties.map((property) => [property.name, property]));
        this.outputs = outputsOf(definition);
    }

    handler(): ResourceHandler {
        return {
            secretProperties: secretsOf(this.definition),
            check: (request, context) =>
                Promise.resolve(
                    this.check(
                        request.inputs,
                        request.oldInputs,
                        request.randomSeed,
                        resourceName(context.urn),
                        request.autonaming,
                    ),
                ),
            diff: (request) => Promise.resolve(this.diff(request.inputs, request.oldInputs, request.oldOutputs)),
            create: (request, context) =>
                request.preview
                    ? Promise.resolve(this.preview(request.inputs))
                    : during(context, () => this.create(request.inputs, request.name, context), request.timeoutSeconds),
            read: (request, context) =>
                during(context, () => this.read(request.id, request.properties, request.inputs)),
            update: (request, context) =>
                request.preview
                    ? Promise.resolve(this.preview(request.inputs, request.oldOutputs).properties)
                    : during(
                          context,
                          () => this.update(request.id, request.inputs, request.oldInputs, request.oldOutputs, context),
                          request.timeoutSeconds,
                      ),
            delete: (request, context) =>
                during(context, () => this.delete(request.id, request.properties), request.timeoutSeconds),
        };
    }

    // What a program says

    private check(
        given: PropertyMap,
        oldInputs: PropertyMap | undefined,
        randomSeed: Uint8Array,
        resourceName: string,
        autonaming: { proposedName: string; mode: "propose" | "enforce" | "disable" } | undefined,
    ) {
        const inputs: PropertyMap = {};
        const failures: CheckFailure[] = [];
        for (const [name, value] of Object.entries(given)) {
            if (name.startsWith("__") || value === null) continue; // The bridge's own notes, in a state that it wrote.
            const property = this.byName.get(name);
            if (name === this.definition.idOutput || this.outputs.some((output) => output.name === name)) {
                failures.push({ property: name, reason: `${name} is assigned by Authentik: leave it out` });
            } else if (!property) {
                failures.push({
                    property: name,
                    reason: `${name} is not a property of ${withArticle(this.definition.noun)}. It has: ${this.properties.map((known) => known.name).join(", ")}`,
                });
            } else if (property.refused) {
                failures.push({ property: name, reason: `${name} ${property.refused}` });
            } else if (value === UNKNOWN) {
                inputs[name] = value;
            } else {
                const result = property.type.check(value);
                if ("reason" in result) {
                    // What was given may be a secret; then only its name is told.
                    const reason = property.secret ? result.reason.replace(/, not .*$/s, "") : result.reason;
                    failures.push({
                        property: `${name}${result.path ?? ""}`,
                        reason: `${name}${result.path ?? ""} ${reason}`,
                    });
                } else {
                    inputs[name] = result.value;
                }
            }
        }
        for (const property of this.properties) {
            if (inputs[property.name] !== undefined || failures.some((failure) => failure.property === property.name))
                continue;
            if (property.autonamed) {
                const old = oldInputs?.[property.name];
                if (typeof old === "string" && old !== "" && old !== UNKNOWN) inputs[property.name] = old;
                else if (autonaming?.mode === "disable")
                    failures.push({
                        property: property.name,
                        reason: `${property.name} is required, since this project's settings turn automatic names off`,
                    });
                else inputs[property.name] = autonaming?.proposedName || `${resourceName}-${randomDigits(randomSeed)}`;
            } else if (property.default !== undefined) {
                inputs[property.name] = property.default;
            } else if (property.required) {
                failures.push({
                    property: property.name,
                    reason: `${property.name} is required: ${property.description}`,
                });
            }
        }
        if (failures.length === 0) failures.push(...(this.definition.check?.(inputs) ?? []));
        return { inputs, failures };
    }

    private diff(inputs: PropertyMap, oldInputs: PropertyMap, oldOutputs: PropertyMap) {
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

    /** Names of properties in which what is wanted is not what was last seen. */
    private differences(inputs: PropertyMap, oldInputs: PropertyMap, oldOutputs: PropertyMap): string[] {
        return this.properties
            .filter((property) => {
                const wanted = inputs[property.name];
                if (wanted === undefined && property.absent === "unmanaged") return false;
                const actual = this.actual(property.name, oldInputs, oldOutputs);
                // A state from before a server left it out; what the program itself says is sent, once.
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

    /** What Authentik does not give back (a password) is as it was last said. */
    private actual(name: string, oldInputs: PropertyMap, oldOutputs: PropertyMap): PropertyValue | undefined {
        return this.byName.get(name)?.field === undefined ? oldInputs[name] : oldOutputs[name];
    }

    /** What is known before a write. */
    private preview(inputs: PropertyMap, oldOutputs?: PropertyMap): ResourceState {
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

    // What Authentik has

    private async create(inputs: PropertyMap, resourceName: string, context: CallContext): Promise<ResourceState> {
        const client = this.clientOf();
        const request = this.toRequest(inputs);
        const work = async () => {
            await this.requireVersion(client, inputs);
            // Known beforehand, so that after an uncertain answer it is certain whose the object is.
            const before = await this.findAny(client, request);
            if (before.length > 0) throw this.duplicate(client, inputs, resourceName, before[0]!);
            return this.createCertainly(client, inputs, request, resourceName);
        };
        const key = this.definition.serialKey?.(inputs);
        const answer = await this.translated(client, "add", inputs, () =>
            client.writing(() =>
                key === undefined ? work() : client.oneAfterAnother(`${this.definition.token} ${key}`, work),
            ),
        );
        return this.afterWrite(
            client,
            answer,
            inputs,
            new Set(Object.keys(this.definition.ownProperties ?? {}).filter((name) => inputs[name] !== undefined)),
            context,
        );
    }

    /**
     * Creates, and after an answer that says nothing about the outcome looks whether the object is there. It was not before, so it is
     * ours if it is what was asked for; if it is not there, the write did not come through and is sent again.
     */
    private async createCertainly(
        client: Client,
        inputs: PropertyMap,
        request: Request,
        resourceName: string,
    ): Promise<Answer> {
        let uncertain: ApiFailure | undefined;
        for (let attempt = 1; ; attempt++) {
            try {
                return await this.definition.create(client, request);
            } catch (error) {
                const failure = failureIn(error);
                if (failure?.kind === "invalid") {
                    const [field] =
                        Object.entries(failure.fields).find(([, complaints]) => complaints.some(isDuplicate)) ?? [];
                    if (field !== undefined) {
                        const found = await this.findAny(client, request, field);
                        // The first attempt may have been committed while the second one was on its way.
                        const mine =
                            uncertain && found.length === 1 && this.isAsAsked(found[0]!, inputs) ? found[0] : undefined;
                        if (mine) return mine;
                        throw this.duplicate(client, inputs, resourceName, found[0], field);
                    }
                }
                if (failure?.kind !== "uncertain") throw error;
                uncertain = failure;
            }
            const found = await this.lookAgain(client, request);
            if (found.length === 1 && this.isAsAsked(found[0]!, inputs)) return found[0]!;
            if (found.length > 0) throw this.duplicate(client, inputs, resourceName, found[0]!);
            if (attempt >= looks.times) throw uncertain;
        }
    }

    /** A worker that was cut off may still be at work on the request, so one look is not enough to say that nothing is there. */
    private async lookAgain(client: Client, request: Request): Promise<Answer[]> {
        for (let look = 1; ; look++) {
            await sleep(looks.pause * look);
            const found = await this.definition.find(client, request);
            if (found.length > 0 || look >= 2) return found;
        }
    }

    private async read(
        id: string,
        oldOutputs: PropertyMap,
        oldInputs: PropertyMap,
    ): Promise<ResourceState | undefined> {
        const client = this.clientOf();
        const reason = this.definition.checkId?.(id);
        if (reason)
            throw new UserError(
                `${JSON.stringify(id)} cannot be the id of ${withArticle(this.definition.noun)}: ${reason}. ${this.definition.idHelp}`,
            );
        return this.translated(client, "view", { ...oldOutputs, [this.definition.idOutput]: id }, async () => {
            try {
                const answer = await client.reading(() => this.readOrLookFor(client, id, oldOutputs));
                const isImport = Object.keys(oldInputs).length === 0;
                const properties = await this.toOutputs(client, answer, { ...oldOutputs, ...oldInputs }, oldOutputs);
                return {
                    id: this.definition.idOf(answer),
                    properties,
                    inputs: isImport ? this.importedInputs(properties) : this.refreshedInputs(oldInputs, properties),
                };
            } catch (error) {
                if (isNotFound(error)) return undefined;
                throw error;
            }
        });
    }

    private async readOrLookFor(client: Client, id: string, oldOutputs: PropertyMap): Promise<Answer> {
        try {
            return await this.definition.read(client, this.currentId(id, oldOutputs));
        } catch (error) {
            const moved = isNotFound(error) ? await this.definition.lookFor?.(client, oldOutputs) : undefined;
            if (!moved || !this.isTheSame(moved, oldOutputs)) throw error;
            return moved;
        }
    }

    private async update(
        id: string,
        inputs: PropertyMap,
        oldInputs: PropertyMap,
        oldOutputs: PropertyMap,
        context: CallContext,
    ): Promise<PropertyMap> {
        const client = this.clientOf();
        const changed = new Set(this.differences(inputs, oldInputs, oldOutputs));
        const answer = await this.translated(client, "change", { ...oldOutputs, ...inputs }, () =>
            client.writing(async () => {
                await this.requireVersion(client, inputs);
                const changes = this.toChanges(inputs, changed);
                const currentId = this.currentId(id, oldOutputs);
                if (!changes) return this.definition.read(client, currentId);
                return this.updateCertainly(client, currentId, changes, inputs, changed, oldOutputs);
            }),
        );
        return (await this.afterWrite(client, answer, inputs, changed, context)).properties;
    }

    private async updateCertainly(
        client: Client,
        id: string,
        changes: Partial<Request>,
        inputs: PropertyMap,
        changed: ReadonlySet<string>,
        oldOutputs: PropertyMap,
    ): Promise<Answer> {
        for (let attempt = 1; ; attempt++) {
            try {
                return await this.definition.update(client, id, changes);
            } catch (error) {
                if (failureIn(error)?.kind !== "uncertain" || attempt >= looks.times) throw error;
                await sleep(looks.pause);
                // A slug that was changed is the way to the object from then on.
                const ids = new Set([id, this.currentId(id, { ...oldOutputs, ...inputs })]);
                for (const candidate of ids) {
                    const now = await this.definition.read(client, candidate).catch((readError: unknown) => {
                        if (isNotFound(readError)) return undefined;
                        throw readError;
                    });
                    if (now && this.isAsAsked(now, inputs, changed) && this.isTheSame(now, oldOutputs)) return now;
                }
            }
        }
    }

    private async delete(id: string, properties: PropertyMap): Promise<void> {
        const client = this.clientOf();
        await this.translated(client, "delete", properties, () =>
            client.writing(async () => {
                const currentId = this.currentId(id, properties);
                for (let attempt = 1; ; attempt++) {
                    try {
                        return await this.definition.delete(client, currentId);
                    } catch (error) {
                        if (isNotFound(error)) return;
                        if (failureIn(error)?.kind !== "uncertain" || attempt >= looks.times) throw error;
                        await sleep(looks.pause);
                    }
                }
            }),
        );
    }

    /** The last steps of a write. If one fails, what exists by then is saved. */
    private async afterWrite(
        client: Client,
        answer: Answer,
        inputs: PropertyMap,
        changed: ReadonlySet<string>,
        context: CallContext,
    ): Promise<ResourceState> {
        const id = this.definition.idOf(answer);
        try {
            await this.translated(
                client,
                "change",
                inputs,
                () => this.definition.afterWrite?.(client, answer, inputs, changed) ?? Promise.resolve(),
            );
            const properties = await this.translated(client, "view", inputs, () =>
                this.toOutputs(client, answer, inputs, inputs),
            );
            for (const property of this.properties) {
                const said = inputs[property.name];
                if (property.field === undefined || property.ignoredWhereUnknown || isNothing(said)) continue;
                if (
                    !isLeftOut(property, (answer as Record<string, unknown>)[property.field]) ||
                    sameProperty(property.type, said, property.default)
                )
                    continue;
                await context.log(
                    "warning",
                    `Authentik ${(await client.version()) ?? ""} took no notice of ${property.name}: it does not know it.`,
                );
            }
            return { id, properties };
        } catch (error) {
            const fields = this.fieldOutputs(answer, inputs);
            throw new PartialFailure((error as Error).message, {
                id,
                properties: fields,
                inputs: withoutOwn(inputs, this.definition.ownProperties ?? {}),
            });
        }
    }

    // Between the two

    private toRequest(inputs: PropertyMap): Request {
        const request: Record<string, unknown> = {};
        for (const property of this.properties) {
            const value = inputs[property.name];
            if (property.field !== undefined && value !== undefined)
                request[property.field] = property.type.toApi(value);
        }
        return request as Request;
    }

    private toChanges(inputs: PropertyMap, changed: ReadonlySet<string>): Partial<Request> | undefined {
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

    /** The object's fields as outputs, in the program's own words where they mean the same. */
    private fieldOutputs(answer: Answer, reference: PropertyMap): PropertyMap {
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

    private async toOutputs(
        client: Client,
        answer: Answer,
        reference: PropertyMap,
        oldOutputs: PropertyMap,
    ): Promise<PropertyMap> {
        const values = this.fieldOutputs(answer, reference);
        return { ...values, ...(await this.definition.extraOutputs?.(client, answer, reference, oldOutputs)) };
    }

    /** What a program would have to say to get this object, and no more. Secrets stay out of generated programs. */
    private importedInputs(outputs: PropertyMap): PropertyMap {
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

    /** The old inputs, with what is no longer so as it is now. */
    private refreshedInputs(oldInputs: PropertyMap, outputs: PropertyMap): PropertyMap {
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

    /** Whether the object has all that was asked for (or the named part of it). */
    private isAsAsked(answer: Answer, inputs: PropertyMap, names?: ReadonlySet<string>): boolean {
        const fields = answer as Record<string, unknown>;
        return this.properties.every((property) => {
            if (property.field === undefined || (names && !names.has(property.name))) return true;
            const wanted = inputs[property.name];
            if (wanted === undefined && property.absent === "unmanaged") return true;
            if (this.isUnknownToServer(property, fields)) return true;
            return sameProperty(property.type, wanted, property.type.fromApi(fields[property.field]));
        });
    }

    /** Whether it is the object that the state knows, by what Authentik alone gives out. */
    private isTheSame(answer: Answer, oldOutputs: PropertyMap): boolean {
        return this.outputs.every((output) => {
            if (output.field === undefined) return true;
            const value = output.type.fromApi((answer as Record<string, unknown>)[output.field]);
            return oldOutputs[output.name] === undefined || value === oldOutputs[output.name];
        });
    }

    /** Whether what the server answers about a property says nothing: it leaves it out, or shows what it does not take yet. */
    private isUnknownToServer(property: NamedProperty, fields: Record<string, unknown>): boolean {
        const version = this.clientOf().versionIfSeen;
        if (property.since && version && !isAtLeast(version, property.since)) return true;
        return property.field !== undefined && isLeftOut(property, fields[property.field]);
    }

    private currentId(id: string, properties: PropertyMap): string {
        return this.definition.currentId?.(id, properties) ?? id;
    }

    /** A token may be allowed to create without being allowed to look; then Authentik's own check must do. */
    private async findAny(client: Client, request: Request, by?: string): Promise<Answer[]> {
        try {
            return await this.definition.find(client, request, by as FieldOf<Request> | undefined);
        } catch (error) {
            if (failureIn(error)?.kind === "forbidden") return [];
            throw error;
        }
    }

    private async requireVersion(client: Client, inputs: PropertyMap): Promise<void> {
        for (const property of this.properties) {
            const said = inputs[property.name];
            if (
                !property.since ||
                property.ignoredWhereUnknown ||
                isNothing(said) ||
                sameProperty(property.type, said, property.default)
            )
                continue;
            const version = await client.version();
            if (version && !isAtLeast(version, property.since)) {
                throw new UserError(
                    `${property.name} needs Authentik ${property.since} or newer; the one at ${client.url} is ${version}.`,
                );
            }
        }
    }

    // Words

    private duplicate(
        client: Client,
        inputs: PropertyMap,
        resourceName: string,
        found: Answer | undefined,
        field?: string,
    ): UserError {
        const clash = found && this.definition.clash?.(inputs, found);
        if (clash)
            return new UserError(
                `The ${this.definition.noun} (${this.definition.label(inputs)}) cannot be made in Authentik at ${client.url}: ${clash}.`,
            );
        const property = field && this.properties.find((candidate) => candidate.field === field)?.name;
        const which = property
            ? `${property} ${JSON.stringify(inputs[property])}`
            : `${this.definition.keyProperty} ${JSON.stringify(inputs[this.definition.keyProperty])}`;
        const id = found ? this.definition.idOf(found) : undefined;
        return new UserError(
            `The ${this.definition.noun} exists already in Authentik at ${client.url}: ${which} is taken${id ? ` by the one with the id ${id}` : ""}. ` +
                `To take it over: pulumi import ${this.definition.token} ${quoted(resourceName)} ${id ? quoted(id) : `ID (${this.definition.idHelp})`}. To have another: choose another ${property ?? this.definition.keyProperty}.`,
        );
    }

    /** Runs an operation and puts what goes wrong into the words of the person who wrote the program. */
    private async translated<Result>(
        client: Client,
        verb: Verb,
        inputs: PropertyMap,
        work: () => Promise<Result>,
    ): Promise<Result> {
        try {
            return await work();
        } catch (error) {
            const failure = failureIn(error);
            if (!failure) throw error;
            throw new UserError(this.explain(client, verb, inputs, failure));
        }
    }

    private explain(client: Client, verb: Verb, inputs: PropertyMap, failure: ApiFailure): string {
        const label = this.definition.label(inputs);
        const what = `${this.definition.noun}${label ? ` ${JSON.stringify(label)}` : ""}`;
        switch (failure.kind) {
            case "forbidden": {
                const { app, model } = this.definition.permission;
                return missingPermission(client.url, `${verbs[verb]} the ${what}`, `${app}.${verb}_${model}`, failure)
                    .message;
            }
            case "not-found":
                return `The ${what} is gone from Authentik at ${client.url}, or refers to something that is. Run: pulumi refresh`;
            case "invalid": {
                const refusal = this.definition.refusal?.(failure);
                if (refusal) return `Authentik at ${client.url} refused the ${what}: ${refusal}.`;
                const complaints = Object.entries(failure.fields).map(([field, texts]) => {
                    const name = this.properties.find((property) => property.field === field)?.name ?? field;
                    return `${name ? `${name}: ` : ""}${texts.join(" ")}`;
                });
                return `Authentik at ${client.url} refused the ${what}: ${complaints.length > 0 ? complaints.join("; ") : failure.message}`;
            }
            case "uncertain":
                return `${failure.message} Whether the ${what} was ${verb === "add" ? "created" : `${verb}d`} could not be made out. Run pulumi up again; if it then says that it exists already, import it.`;
            default:
                return `${failure.message} (While trying to ${verbs[verb]} the ${what}.)`;
        }
    }
}

type Verb = "add" | "view" | "change" | "delete";
const verbs: Record<Verb, string> = { add: "create", view: "read", change: "change", delete: "delete" };

/** The value as the program said it, where Authentik's means the same; lists keep the program's order. */
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

const withoutOwn = (inputs: PropertyMap, own: Record<string, unknown>): PropertyMap =>
    Object.fromEntries(Object.entries(inputs).filter(([name]) => !(name in own)));

const withArticle = (noun: string) => `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;

const resourceName = (urn: string) => urn.split("::").slice(3).join("::");

const quoted = (argument: string) =>
    /^[\w./:@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;

/** Seven digits to base 16, from the engine's seed: the same in a preview and in the update that follows it. */
function randomDigits(seed: Uint8Array): string {
    return createHash("sha256")
        .update(seed.length > 0 ? seed : randomBytes(16))
        .digest("hex")
        .slice(0, 7);
}
