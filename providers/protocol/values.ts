/**
 * Property values as they travel between Pulumi's engine and a provider, and as plain JavaScript.
 *
 * The wire form marks secrets, unknowns and outputs by well-known signatures
 * (pulumi/sdk/proto, "property value" conventions; `@pulumi/pulumi/runtime/rpc`).
 */

/**
 * A value of a resource property: JSON, in which {@link UNKNOWN} stands for an unknown, and a {@link SecretValue} holds
 * a secret.
 */
export type PropertyValue = null | boolean | number | string | PropertyValue[] | { [key: string]: PropertyValue };
export type PropertyMap = { [key: string]: PropertyValue };

/** What the engine sends in a preview for a value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The key of a marked value's signature, and the signatures of two marks. */
export const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
export const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
export const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** Marks a value as secret: the engine encrypts it in the state and masks it in its output. */
export function secret(value: PropertyValue): PropertyValue {
    return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value };
}

/** Whether a value and everything in it is known. */
export function isKnown(value: PropertyValue | undefined): boolean {
    if (value === UNKNOWN) return false;
    if (Array.isArray(value)) return value.every(isKnown);
    if (isObject(value)) {
        if (value[SIGNATURE_KEY] === OUTPUT_SIGNATURE && !("value" in value)) return false;
        return Object.values(value).every(isKnown);
    }
    return true;
}

/** The value without secret and output wrappers at any depth; a computed output becomes {@link UNKNOWN}. */
export function unwrap(value: PropertyValue | undefined): PropertyValue | undefined {
    if (value === undefined || value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((item) => unwrap(item) as PropertyValue);
    const signature = value[SIGNATURE_KEY];
    if (signature === SECRET_SIGNATURE) return unwrap(value.value);
    if (signature === OUTPUT_SIGNATURE) return "value" in value ? unwrap(value.value) : UNKNOWN;
    return unwrapMap(value);
}

export function unwrapMap(map: PropertyMap): PropertyMap {
    const plain: PropertyMap = {};
    for (const [key, item] of Object.entries(map)) {
        const value = unwrap(item);
        if (value !== undefined) plain[key] = value;
    }
    return plain;
}

/** The same map with the named properties marked secret, if they are present. */
export function withSecrets(map: PropertyMap, secretProperties: readonly string[]): PropertyMap {
    const marked = { ...map };
    for (const name of secretProperties) {
        const value = marked[name];
        if (value !== undefined && value !== null) marked[name] = secret(value);
    }
    return marked;
}

/** Structural equality; the order of an object's keys does not count, and an absent key equals an undefined one. */
export function sameValue(left: PropertyValue | undefined, right: PropertyValue | undefined): boolean {
    if (left === right) return true;
    if (Array.isArray(left) && Array.isArray(right)) {
        return left.length === right.length && left.every((item, index) => sameValue(item, right[index]));
    }
    if (isObject(left) && isObject(right)) {
        const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
        return [...keys].every((key) => sameValue(left[key], right[key]));
    }
    return false;
}

function isObject(value: PropertyValue | undefined): value is { [key: string]: PropertyValue } {
    return value !== null && typeof value === "object" && !Array.isArray(value);
}
