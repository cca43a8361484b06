/**
 * The properties of the resource ApiKey: their meaning, how they are checked, and how they are converted for the plan.
 */

import { durationOf } from "../../clients/durations";
import { type AddressRule, addressProblem, noPath } from "../../clients/http/address";
import { type CheckFailure, isKnown, type PropertyMap, type PropertyValue } from "../protocol";
import { type KeyState, type KeyStatus, type Predecessor, rotateAt, type Wanted } from "./plan";

interface PropertyDefinition {
    type: "string" | "integer" | "boolean";
    description: string;
    required?: boolean;
    default?: string | number | boolean;
}

export const inputDefinitions: Readonly<Record<string, PropertyDefinition>> = {
    registryUrl: {
        type: "string",
        required: true,
        description:
            "The registry's public URL, to which logins return, without a slash at the end: " +
            "`https://registry.example.org`.",
    },
    user: {
        type: "string",
        required: true,
        description:
            "The service account in Authentik that the key belongs to. " +
            "A change replaces the key, and every key of the former account is revoked.",
    },
    label: {
        type: "string",
        default: "ci",
        description:
            "The key's name in zot. Project, stack and resource are added to it; " +
            "they identify keys of a second stack, and of a run that was cut off.",
    },
    lifetime: {
        type: "string",
        default: "90d",
        description: "How long a key lives: `90d`, `12h`, `600s`. A change applies to the next key.",
    },
    rotateAfter: {
        type: "string",
        description:
            "The age at which the next update replaces the key, less than the lifetime. Default: two thirds of it.",
    },
    predecessorLifetime: {
        type: "string",
        default: "7d",
        description:
            "How long a key still works after it was replaced, or after it was found when the first one was made. " +
            "The first update after that time revokes it. A change applies to the next replacement.",
    },
    generation: {
        type: "integer",
        default: 1,
        description:
            "Raise it after a leak: the key is replaced, and every other key of the user is revoked in the same update.",
    },
    issuer: {
        type: "string",
        description:
            "The OpenID Connect issuer: a password of the service account is sent only to its origin " +
            "and to Authentik's address, wherever else the registry sends logins. Default: Authentik's address alone.",
    },
    loginFlow: {
        type: "string",
        description:
            "Slug of a flow in Authentik by which the service account logs in. " +
            "Default: the flow that Authentik chooses for the application.",
    },
    repository: {
        type: "string",
        description:
            "A repository that the key must be able to push to; nothing is stored in it. " +
            "Default: the only check is that the registry accepts the key.",
    },
    takeOver: {
        type: "boolean",
        default: false,
        description:
            "Whether keys that another stack made become predecessors, if that stack is gone. " +
            "Otherwise such keys make the update fail.",
    },
    acceptVersion: {
        type: "string",
        description:
            "A build of zot that was accepted on its host although its version cannot be read as 2.1.19 or " +
            "newer: then the registry is not asked for its version.",
    },
};

export const outputDefinitions: Readonly<Record<string, { schema: object; description: string; secret?: boolean }>> = {
    key: {
        schema: { type: "string" },
        secret: true,
        description: "The API key: the password that goes with the user's name.",
    },
    uuid: { schema: { type: "string" }, description: "zot's identifier of the key." },
    created: { schema: { type: "string" }, description: "When it was made, RFC 3339." },
    expires: { schema: { type: "string" }, description: "When it expires, RFC 3339." },
    rotateAt: { schema: { type: "string" }, description: "The first update after this moment replaces it, RFC 3339." },
    status: {
        schema: { type: "string" },
        description:
            "`usable`; `unproven` if it has not yet been proven that it may push; " +
            "`unusable` if the registry no longer accepts it.",
    },
    predecessors: {
        schema: { type: "array", items: { $ref: "#/types/zot:index/predecessor:Predecessor" } },
        description: "Keys of the user that work beside it until their time is over.",
    },
};

export const predecessorDefinitions = {
    uuid: "zot's identifier of the key.",
    label: "Its name.",
    expires: "When it expires, RFC 3339; empty for one that never does.",
    revokeAfter: "The first update after this moment revokes it, RFC 3339.",
} as const;

/** The checked inputs. */
export interface ApiKeyInputs {
    registryUrl: string;
    user: string;
    label: string;
    wanted: Wanted;
    issuer: string | undefined;
    loginFlow: string | undefined;
    repository: string | undefined;
    takeOver: boolean;
    acceptVersion: string | undefined;
}

/** Two thirds of the lifetime. */
const DEFAULT_SHARE = 2 / 3;

const REPOSITORY = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;

type Judge = (value: PropertyValue) => string | undefined;

const ADDRESSES: Readonly<Record<string, AddressRule>> = {
    registryUrl: { carries: "logins and keys", path: noPath, isComparedAsWritten: true },
    issuer: { carries: "passwords" },
};

/** Further conditions for values. */
const ALLOWED: Readonly<Record<string, Judge>> = {
    user: (value) =>
        typeof value === "string" && value.trim() === value && value !== "" && !/[\s:]/.test(value)
            ? undefined
            : "must be a user name, without spaces and colons",
    label: (value) =>
        typeof value === "string" && value.trim() !== "" && value.length <= 100 && !/[\0-\x1f\x7f]|pulumi:/.test(value)
            ? undefined
            : 'must be a text of 1 to 100 characters on one line, without "pulumi:"',
    lifetime: (value) => durationProblem(value, 1),
    rotateAfter: (value) => durationProblem(value, 1),
    predecessorLifetime: (value) => durationProblem(value, 0),
    generation: (value) =>
        Number.isSafeInteger(integerOf(value)) && integerOf(value) >= 0 ? undefined : "must be an integer from 0 on",
    loginFlow: (value) =>
        typeof value === "string" && /^[-a-zA-Z0-9_]+$/.test(value)
            ? undefined
            : 'must be the slug of a flow: letters, digits, "-" and "_"',
    repository: (value) =>
        typeof value === "string" && REPOSITORY.test(value) ? undefined : "must be a repository's name, as team/image",
    takeOver: (value) => (typeof booleanOf(value) === "boolean" ? undefined : "must be true or false"),
    acceptVersion: (value) =>
        typeof value === "string" && /^[A-Za-z0-9._+:-]+$/.test(value)
            ? undefined
            : "must be a commit, or sha256: and a hash",
};

function problemOf(name: string, value: PropertyValue): string | undefined {
    const rule = ADDRESSES[name];
    if (rule) return addressProblem(value, name, rule);
    const must = ALLOWED[name]!(value);
    return must && `${name} ${must}, not ${JSON.stringify(value)}`;
}

function durationProblem(value: PropertyValue, least: number): string | undefined {
    const milliseconds = durationOf(value);
    if (milliseconds === undefined)
        return 'must be a duration such as "90d", "12h", "600s" or a number of seconds, of a century at most';
    return milliseconds >= least * 1000 ? undefined : `must be at least ${least} second`;
}

const integerOf = (value: PropertyValue) =>
    typeof value === "number" ? value : typeof value === "string" && /^\d+$/.test(value) ? Number(value) : Number.NaN;
const booleanOf = (value: PropertyValue) => (value === "true" ? true : value === "false" ? false : value);

const isAbsent = (value: PropertyValue | undefined) => value === undefined || value === null;

/** Fills in defaults, converts numbers and booleans, and reports mistakes. Unknown values pass. */
export function checkInputs(
    given: PropertyMap,
    before: PropertyMap | undefined,
): { inputs: PropertyMap; failures: CheckFailure[] } {
    const inputs: PropertyMap = {};
    const failures = unknownInputs(given);
    for (const [name, definition] of Object.entries(inputDefinitions)) {
        const value = isAbsent(given[name]) ? definition.default : given[name];
        if (value === undefined) {
            if (definition.required) failures.push({ property: name, reason: `${name} is missing.` });
            continue;
        }
        const problem = isKnown(value) ? problemOf(name, value) : undefined;
        if (problem) failures.push({ property: name, reason: `${problem}.` });
        inputs[name] = problem ? value : inForm(definition.type, value);
    }
    return { inputs, failures: failures.length > 0 ? failures : crossFailures(inputs, before) };
}

const unknownInputs = (given: PropertyMap): CheckFailure[] =>
    Object.keys(given)
        .filter((name) => !(name in inputDefinitions))
        .map((name) => ({
            property: name,
            reason: `${name} is not a property of an API key; the properties are ${Object.keys(inputDefinitions).join(", ")}.`,
        }));

/** A valid value in the form that the plan uses; an unknown one stays unchanged. */
function inForm(type: string, value: PropertyValue): PropertyValue {
    if (!isKnown(value)) return value;
    if (type === "integer") return integerOf(value);
    if (type === "boolean") return booleanOf(value);
    return typeof value === "number" ? `${value}s` : value;
}

/** Contradictions between inputs that are valid on their own. */
function crossFailures(inputs: PropertyMap, before: PropertyMap | undefined): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const lifetime = durationOf(inputs.lifetime);
    const rotateAfter = durationOf(inputs.rotateAfter);
    if (lifetime !== undefined && rotateAfter !== undefined && rotateAfter >= lifetime)
        failures.push({
            property: "rotateAfter",
            reason:
                `rotateAfter (${String(inputs.rotateAfter)}) must be less than the lifetime ` +
                `(${String(inputs.lifetime)}); otherwise the key would expire before it is replaced.`,
        });
    const generation = before?.generation;
    if (typeof generation === "number" && typeof inputs.generation === "number" && inputs.generation < generation)
        failures.push({
            property: "generation",
            reason: `generation can only be raised: it is ${generation}, and revoked keys do not come back.`,
        });
    return failures;
}

/** The inputs for the plan; `inputs` must be checked and known. */
export function inputsOf(inputs: PropertyMap): ApiKeyInputs {
    const lifetime = durationOf(inputs.lifetime)!;
    return {
        registryUrl: inputs.registryUrl as string,
        user: inputs.user as string,
        label: inputs.label as string,
        wanted: {
            lifetime,
            rotateAfter: durationOf(inputs.rotateAfter) ?? lifetime * DEFAULT_SHARE,
            predecessorLifetime: durationOf(inputs.predecessorLifetime)!,
            generation: inputs.generation as number,
        },
        issuer: inputs.issuer as string | undefined,
        loginFlow: inputs.loginFlow as string | undefined,
        repository: inputs.repository as string | undefined,
        takeOver: inputs.takeOver === true,
        acceptVersion: inputs.acceptVersion as string | undefined,
    };
}

/** The declared key, from the state. */
export function stateOf(outputs: PropertyMap): { state: KeyState; key: string } {
    return {
        key: outputs.key as string,
        state: {
            uuid: outputs.uuid as string,
            created: outputs.created as string,
            expires: outputs.expires as string,
            status: outputs.status as KeyStatus,
            generation: outputs.generation as number,
            predecessors: ((outputs.predecessors ?? []) as PropertyMap[]).map(
                (predecessor) => ({ ...predecessor }) as unknown as Predecessor,
            ),
        },
    };
}

export function outputsOf(inputs: PropertyMap, state: KeyState, key: string): PropertyMap {
    return {
        ...inputs,
        // The key's generation; the inputs may already have a later one.
        generation: state.generation,
        key,
        uuid: state.uuid,
        created: state.created,
        expires: state.expires,
        rotateAt: rotateAt(state, inputsOf(inputs).wanted),
        status: state.status,
        predecessors: state.predecessors.map((predecessor) => ({ ...predecessor })),
    };
}
