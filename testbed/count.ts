import { InvalidArgumentError } from "commander";

/**
 * The value of an option that counts.
 * @throws InvalidArgumentError
 */
export function count(text: string): number {
    if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError("A number from 1 to 999 is wanted.");
    return Number(text);
}
