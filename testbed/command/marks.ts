/** Marks of property values, which the official plugin looks after itself. */
import {
    OUTPUT_SIGNATURE,
    type PropertyValue,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
} from "../../providers/protocol";

/**
 * A value without its outermost marks: what is below them ({@link UNKNOWN} for what is not known yet; its parts may
 * have marks of their own), and whether one of the marks was that of a secret.
 */
export function peel(value: PropertyValue): { plain: PropertyValue; secret: boolean } {
    let plain = value;
    let isSecret = false;
    while (plain !== null && typeof plain === "object" && !Array.isArray(plain)) {
        const signature = plain[SIGNATURE_KEY];
        if (signature !== SECRET_SIGNATURE && signature !== OUTPUT_SIGNATURE) break;
        isSecret ||= signature === SECRET_SIGNATURE || plain.secret === true;
        plain = plain.value ?? (signature === OUTPUT_SIGNATURE && !("value" in plain) ? UNKNOWN : null);
    }
    return { plain, secret: isSecret };
}
