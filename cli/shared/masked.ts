/** Secrets that a command knows, and what it prints: a forge or a registry may repeat what it was sent. */
import { formsOf, withoutForm } from "../../clients/repeated";

const known = new Set<string>();

/** From now on {@link masked} hides it; what is shorter than eight characters would be found everywhere. */
export function hide(secret: string): void {
    for (const form of formsOf(secret)) known.add(form);
}

/** A text without the secrets, as they are or encoded, whole or in part. */
export function masked(text: string): string {
    return [...known].reduce(withoutForm, text);
}
