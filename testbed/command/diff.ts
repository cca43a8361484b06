/**
 * How the official plugin 1.2.1 compares old and new inputs: per path, asking for a replacement only where `triggers`
 * changes as a whole.
 */
import {
    type PropertyDiff,
    type PropertyMap,
    type PropertyValue,
    sameValue,
    secret,
    UNKNOWN,
} from "../../providers/protocol";
import { peel } from "./marks";

/**
 * The differences by property path. A secret counts as a whole; a secret that is not known yet differs from nothing.
 */
export function differences(oldInputs: PropertyMap, inputs: PropertyMap): Record<string, PropertyDiff> {
    const found: Record<string, PropertyDiff> = {};
    // What the engine and the SDKs add for their own use is no input.
    const own = Object.fromEntries(
        Object.entries(inputs).filter(([name]) => name !== "version" && !name.startsWith("__")),
    );
    compareObjects(folded(oldInputs) as PropertyMap, folded(own) as PropertyMap, [], found);
    return found;
}

/** Whether two values are the same to the official plugin, marks included. */
export function sameWithMarks(left: PropertyValue | undefined, right: PropertyValue | undefined): boolean {
    return sameValue(left === undefined ? undefined : folded(left), right === undefined ? undefined : folded(right));
}

type Path = (string | number)[];

function compareObjects(old: PropertyMap, news: PropertyMap, path: Path, found: Record<string, PropertyDiff>): void {
    for (const [key, oldItem] of Object.entries(old)) {
        const item = news[key];
        if (item === undefined) report([...path, key], "delete", found);
        else if (!isUnknownSecret(item)) compare(oldItem, item, [...path, key], found);
    }
    for (const key of Object.keys(news)) {
        if (!(key in old)) report([...path, key], "add", found);
    }
}

function compare(old: PropertyValue, value: PropertyValue, path: Path, found: Record<string, PropertyDiff>): void {
    if (Array.isArray(old) && Array.isArray(value)) {
        for (let index = 0; index < Math.max(old.length, value.length); index++) {
            const at = [...path, index];
            if (index >= old.length) report(at, "add", found);
            else if (index >= value.length) report(at, "delete", found);
            else compare(old[index] as PropertyValue, value[index] as PropertyValue, at, found);
        }
    } else if (isPlainObject(old) && isPlainObject(value)) {
        compareObjects(old, value, path, found);
    } else if (!sameValue(old, value)) {
        report(path, "update", found);
    }
}

function report(path: Path, kind: PropertyDiff["kind"], found: Record<string, PropertyDiff>): void {
    const text = pathText(path);
    found[text] = { kind: text === "triggers" ? (`${kind}-replace` as PropertyDiff["kind"]) : kind, inputDiff: false };
}

/** The engine's way to write a path: `environment["a.b"]`, `triggers[0].name`. */
function pathText(path: Path): string {
    return path
        .map((part, index) => {
            if (typeof part === "number") return `[${part}]`;
            if (/^[A-Za-z0-9_]*$/.test(part)) return index === 0 ? part : `.${part}`;
            return `["${part.replaceAll('"', '\\"')}"]`;
        })
        .join("");
}

/** The same value in one form: a mark is a secret's or it is not there, and what is null is absent. */
function folded(value: PropertyValue): PropertyValue {
    const { plain, secret: isSecret } = peel(value);
    let inner = plain;
    if (Array.isArray(plain)) inner = plain.map(folded);
    else if (plain !== null && typeof plain === "object") {
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

const isPlainObject = (value: PropertyValue): value is PropertyMap =>
    value !== null && typeof value === "object" && !Array.isArray(value) && !peel(value).secret;
