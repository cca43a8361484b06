import { InvalidArgumentError } from "commander";

/**
 * The value of an option that counts.
 * @throws InvalidArgumentError
 */
export function count(text: string): number {
    if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError("A number from 1 to 999 is wanted.");
    return Number(text);
}

/**
 * The value of an option that counts much.
 * @throws InvalidArgumentError
 */
export function countToTenThousand(text: string): number {
    const isCount = /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 10_000;
    if (!isCount) throw new InvalidArgumentError("A number from 1 to 10000 is wanted.");
    return Number(text);
}
