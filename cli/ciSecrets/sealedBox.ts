/**
 * The form in which GitHub accepts secrets: a sealed box of libsodium, which only the private key's holder can open.
 */

import { StoreError } from "./store";

/** @param publicKey the repository's or organisation's, base64. @returns base64. */
export async function sealed(value: string, publicKey: string): Promise<string> {
    const { default: sodium } = await import("libsodium-wrappers").catch(packageMissing);
    await sodium.ready;
    const { ORIGINAL } = sodium.base64_variants;
    return sodium.to_base64(
        sodium.crypto_box_seal(sodium.from_string(value), sodium.from_base64(publicKey, ORIGINAL)),
        ORIGINAL,
    );
}

/** For packages that are loaded on demand. */
export function packageMissing(error: Error): never {
    throw new StoreError(
        "A package that GitHub's API needs is not installed; " +
            `run npm ci in the project's folder (${error.message.split("\n")[0]}).`,
    );
}
