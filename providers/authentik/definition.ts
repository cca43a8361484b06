/** The definition of a resource: a table of properties, and five calls of the API. */
import type { Client } from "../../clients/authentik/client";
import type { ApiFailure } from "../../clients/authentik/failures";
import type { CheckFailure, PropertyMap, PropertyValue } from "../protocol";
import type { PropertyType } from "./propertyTypes";

/** A property that programs may set. */
export interface Property {
    type: PropertyType;
    /** Markdown, one or two sentences. */
    description: string;
    /** The name in Pulumi, if it differs from the API's. */
    name?: string;
    required?: boolean;
    default?: PropertyValue;
    /** Without a value in the program it is the resource's name and seven random digits, as Pulumi names things. */
    autonamed?: boolean;
    /**
     * What it means if the program gives no value and there is no default. "empty": the property is empty, and is
     * emptied again if someone fills it by hand. "unmanaged": it is left to Authentik. Default: "empty".
     */
    absent?: "empty" | "unmanaged";
    /** Whether `pulumi import` writes it into the program although the program could leave it to Authentik. */
    imported?: boolean;
    secret?: boolean;
    /**
     * The first version that accepts it; undefined if every supported version does. Checked against the API's documents
     * of each version.
     */
    since?: string;
    /** A server before `since` is not refused: it works without the property, and no message says so. */
    ignoredWhereUnknown?: boolean;
}

/** A property of our own, which is not a field of the API's object. */
export interface OwnProperty extends Property {
    /** The property is always refused, with this reason (after the property's name). */
    refused?: string;
}

/** A value that only Authentik gives. */
export interface Output {
    name: string;
    type: PropertyType;
    description: string;
    secret?: boolean;
}

export type FieldOf<Shape> = keyof Shape & string;

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
    /** The id that the API accepts, if it can change while the resource exists (a slug). Default: the resource's id. */
    currentId?(id: string, properties: PropertyMap): string;
    /** Why a text cannot be an id; undefined if it can. */
    checkId?(id: string): string | undefined;
    /** Django's permissions that its operations need: `authentik_core.add_group` and so on. */
    permission: { app: string; model: string };
    /** The property whose value is unique among all objects. */
    keyProperty: string;
    /** Identifies an object in messages. */
    label(inputs: PropertyMap): string;
    /** Rules over more than one property. Values may be unknown. */
    check?(inputs: PropertyMap): CheckFailure[];
    /** Work on objects with the same key is done one after another. */
    serialKey?(inputs: PropertyMap): string;
    /**
     * Objects with the same natural key, or with the same value in another unique field. The API's filters may ignore
     * what they do not know, so callers must check.
     */
    find(client: Client, request: Request, by?: FieldOf<Request>): Promise<Answer[]>;
    /**
     * Why an object that `find` returned is in the way although it is not the same; undefined if it is the same, and
     * could be imported.
     */
    clash?(inputs: PropertyMap, found: Answer): string | undefined;
    /** A clearer message for a write that Authentik refuses. */
    refusal?(failure: ApiFailure): string | undefined;
    create(client: Client, request: Request): Promise<Answer>;
    read(client: Client, id: string): Promise<Answer>;
    /** The object in the state, if its id no longer finds it: someone changed its slug by hand. */
    findMoved?(client: Client, oldOutputs: PropertyMap): Promise<Answer | undefined>;
    /** A PATCH. */
    update(client: Client, id: string, changes: Partial<Request>): Promise<Answer>;
    delete(client: Client, id: string): Promise<void>;
    /** Fields that every update must carry, even if they have not changed. */
    alwaysSent?: readonly FieldOf<Request>[];
    /**
     * What else has to happen after the object was created or updated; `changed` names own properties. The result
     * becomes outputs.
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

// The definitions of all resources are in one list, whatever their API objects are.
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

/** All values that only Authentik assigns, by Pulumi name, including the id under its bridged name. */
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
 * Whether a server without a value for a property does not know the property. Then the program's value counts, and
 * there is no difference. A server always gives a value for a property that it knows, except for references and
 * numbers, which may be null (in the API's documents of 2025.10 to 2026.8).
 */
export const isLeftOut = (property: NamedProperty, value: unknown): boolean =>
    property.field !== undefined && property.type.nothing !== null && (value === undefined || value === null);

export const secretsOf = (definition: AnyResourceDefinition): string[] =>
    [...propertiesOf(definition), ...outputsOf(definition)]
        .filter((property) => property.secret)
        .map((property) => property.name);
