/** The part that all functions share: a look-up by arguments that returns plain values. */

import { during } from "../../clients/authentik/call";
import type { Client } from "../../clients/authentik/client";
import { failureIn } from "../../clients/authentik/failures";
import { outsideText } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import type { CheckFailure, FunctionHandler, PropertyMap } from "../protocol";
import { missingPermission } from "./errors";
import type { PropertyType, SchemaType } from "./propertyTypes";

export interface Argument {
    type: PropertyType;
    description: string;
    required?: boolean;
    default?: string | boolean;
}

export interface Result {
    /** A schema type, or the name of an object type of {@link FunctionDefinition.types}. */
    schema: SchemaType | { listOf: string };
    description: string;
    secret?: boolean;
}

export interface FunctionDefinition {
    /** `authentik:index/getFlow:getFlow` */
    token: string;
    description: string;
    /** The kind of object in messages: `flow`. */
    noun: string;
    /** Django's permission that a look-up needs. */
    permission: string;
    arguments: Record<string, Argument>;
    /** What is returned besides the arguments. */
    results: Record<string, Result>;
    /** Object types of results. */
    types?: Record<string, Record<string, Result>>;
    check?(args: PropertyMap): CheckFailure[];
    /** Undefined if nothing matches; the caller then reports it. */
    lookUp(client: Client, args: PropertyMap): Promise<PropertyMap | undefined>;
    /** The argument that looks up by name. Default: none does. */
    nameArgument?: string;
    /** The names that a search finds; one of them may differ from the wanted one only in capitals. */
    namesLike?(client: Client, search: string): Promise<string[]>;
    /** How to create such an object, as a sentence. */
    howToMake?: string;
}

export function functionHandler(definition: FunctionDefinition, clientOf: () => Client): FunctionHandler {
    return {
        secretProperties: Object.entries(definition.results)
            .filter(([, result]) => result.secret)
            .map(([name]) => name),
        invoke: async (given, context) => {
            const { args, failures } = checkArguments(definition, given);
            if (failures.length > 0) return { failures };
            const client = clientOf();
            try {
                const result = await during(context, () => client.reading(() => foundBy(definition, client, args)));
                return { result: { ...args, ...result } };
            } catch (error) {
                const failure = failureIn(error);
                if (!failure) throw error;
                const what = `${definition.noun} with ${described(args)}`;
                if (failure.kind === "forbidden")
                    throw missingPermission(client.url, `look up the ${what}`, definition.permission, failure);
                if (failure.kind === "invalid") {
                    const complaints = Object.entries(failure.fields).map(
                        ([field, texts]) => `${field ? `${field}: ` : ""}${texts.join(" ")}`,
                    );
                    throw new UserError(
                        `Authentik at ${client.url} refused to look up the ${what}: ${complaints.join("; ")}`,
                    );
                }
                throw new UserError(`${failure.message} (While looking up the ${what}.)`);
            }
        },
    };
}

async function foundBy(definition: FunctionDefinition, client: Client, args: PropertyMap): Promise<PropertyMap> {
    const found = await definition.lookUp(client, args);
    if (found === undefined) throw await nothingFound(client, definition, args);
    return found;
}

function checkArguments(
    definition: FunctionDefinition,
    given: PropertyMap,
): { args: PropertyMap; failures: CheckFailure[] } {
    const args: PropertyMap = {};
    const failures: CheckFailure[] = [];
    for (const [name, value] of Object.entries(given)) {
        if (value === null) continue;
        const argument = definition.arguments[name];
        if (!argument) {
            failures.push({
                property: name,
                reason: `${name} is not an argument. There are: ${Object.keys(definition.arguments).join(", ")}`,
            });
            continue;
        }
        const checked = argument.type.check(value);
        if ("reason" in checked) failures.push({ property: name, reason: `${name} ${checked.reason}` });
        else args[name] = checked.value;
    }
    for (const [name, argument] of Object.entries(definition.arguments)) {
        if (args[name] !== undefined) continue;
        if (argument.default !== undefined) args[name] = argument.default;
        else if (argument.required && !failures.some((failure) => failure.property === name))
            failures.push({ property: name, reason: `${name} is required: ${argument.description}` });
    }
    if (failures.length === 0) failures.push(...(definition.check?.(args) ?? []));
    return { args, failures };
}

/** For look-ups that need exactly one of two arguments. */
export const exactlyOneOf =
    (...names: string[]) =>
    (args: PropertyMap): CheckFailure[] => {
        const given = names.filter((name) => args[name] !== undefined);
        return given.length === 1
            ? []
            : [{ property: names[0]!, reason: `exactly one of ${names.join(" and ")} is required` }];
    };

/** The arguments in words. */
const described = (args: PropertyMap): string =>
    Object.entries(args)
        .filter(([, value]) => typeof value !== "boolean")
        .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`)
        .join(" and ");

/**
 * The message if nothing was found. On some of Authentik's lists a missing permission shows as an empty list, so it may
 * mean either (measured on 2026.5).
 *
 * @param wanted the arguments that nothing matches
 */
export async function nothingFound(
    client: Client,
    definition: Pick<FunctionDefinition, "noun" | "permission" | "nameArgument" | "namesLike" | "howToMake">,
    wanted: PropertyMap,
): Promise<UserError> {
    return new UserError(
        `Authentik at ${client.url} shows no ${definition.noun} with ${described(wanted)}.` +
            `${await alike(client, definition, wanted)} ` +
            "Either there is none (just after a start its blueprints may not have been applied yet), " +
            `or the API token lacks the permission ${definition.permission}.` +
            `${definition.howToMake === undefined ? "" : ` ${definition.howToMake}`}`,
    );
}

/**
 * Objects with similar names, as a sentence with a space before it; empty if there are none. Authentik's names are case
 * sensitive.
 */
async function alike(
    client: Client,
    { nameArgument, namesLike }: Pick<FunctionDefinition, "nameArgument" | "namesLike">,
    args: PropertyMap,
): Promise<string> {
    const wanted = nameArgument === undefined ? undefined : args[nameArgument];
    if (!namesLike || typeof wanted !== "string" || wanted === "") return "";
    // Only a hint: if the search fails, the message must still appear.
    const search = (text: string) => namesLike(client, text).catch(() => []);
    const names = await search(wanted);
    const same = names.find((name) => name.toLowerCase() === wanted.toLowerCase());
    if (same !== undefined) return ` There is one with the name ${outsideText(same)}: capitals matter.`;
    const words = wanted.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 3 && word !== wanted);
    const found = new Set(names);
    // The last word says most: `default-provider-authorization`.
    for (const word of words.reverse()) {
        if (found.size > 0) break;
        for (const name of await search(word)) found.add(name);
    }
    const shown = [...found].slice(0, SHOWN).map((name) => outsideText(name));
    if (shown.length === 0) return "";
    return ` Alike ${shown.length === 1 ? "is" : "are"}: ${shown.join(", ")}${found.size > SHOWN ? ", …" : ""}.`;
}

/** How many similar names are shown. */
const SHOWN = 5;
