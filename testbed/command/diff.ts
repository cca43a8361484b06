/** How the official plugin 1.2.1 compares old and new inputs; only whole ones here, for ours have no parts that differ. */
import {
    type PropertyDiff,
    type PropertyMap,
    type PropertyValue,
    sameValue,
    secret,
    UNKNOWN,
} from "../../providers/protocol";
import { peel } from "./marks";

/** The differences by input. A secret that is not known yet differs from nothing. */
export function differences(oldInputs: PropertyMap, inputs: PropertyMap): Record<string, PropertyDiff> {
    const found: Record<string, PropertyDiff> = {};
    for (const name of new Set([...Object.keys(oldInputs), ...Object.keys(inputs)])) {
        // What the engine and the SDKs add for their own use is no input.
        if (name === "version" || name.startsWith("__")) continue;
        const [before, after] = [oldInputs[name] ?? null, inputs[name] ?? null];
        if (sameWithMarks(before, after) || isUnknownSecret(after)) continue;
        const kind = before === null ? "add" : after === null ? "delete" : "update";
        found[name] = { kind, inputDiff: false };
    }
    return found;
}

/** Whether two values are the same to the official plugin, marks included. */
export function sameWithMarks(left: PropertyValue | undefined, right: PropertyValue | undefined): boolean {
    return sameValue(folded(left ?? null), folded(right ?? null));
}

/** The same value in one form: a mark is a secret's or it is not there, and what is null is absent. */
function folded(value: PropertyValue): PropertyValue {
    const { plain, secret: isSecret } = peel(value);
    let inner = plain;
    if (plain !== null && typeof plain === "object" && !Array.isArray(plain)) {
        inner = Object.fromEntries(
            Object.entries(plain)
                .filter(([, item]) => item !== null)
                .map(([key, item]) => [key, folded(item)]),
        );
    }
    return isSecret ? secret(inner) : inner;
}

const isUnknownSecret = (value: PropertyValue) => {
    const peeled = peel(value);
    return peeled.secret && peeled.plain === UNKNOWN;
};
