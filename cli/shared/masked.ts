/** Masks secrets that a command knows in its output: a forge or a registry may repeat what it was sent. */
import { formsOf, withoutForm } from "../../clients/repeated";

const known = new Set<string>();

/**
 * From now on {@link masked} hides it. A text of fewer than eight characters is not hidden: it would match everywhere.
 */
export function hide(secret: string): void {
    for (const form of formsOf(secret)) known.add(form);
}

/** A text without the secrets, plain or encoded, whole or in part. */
export function masked(text: string): string {
    return [...known].reduce(withoutForm, text);
}
