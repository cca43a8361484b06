/** Checks CI's settings against each other. Pure. */
import { durationOf } from "../../../clients/durations";
import { secretNames } from "../ciSecretNames";
import type { Settings } from "../declarations";
import { type CrossCheck, mistake } from "./crossCheck";

/** How long a key lives, and after which time it is replaced. */
export type KeyTimes = Pick<Settings["ci"], "keyLifetime" | "keyRotateAfter">;

/**
 * What is wrong with the times of a key: the setting, and the reason as a sentence.
 *
 * @param place the group of the settings, such as `ci`
 */
export function keyMistakes(
    { keyLifetime, keyRotateAfter }: KeyTimes,
    place: string,
): [member: keyof KeyTimes, why: string][] {
    const lifetime = durationOf(keyLifetime) ?? 0;
    if (lifetime === 0) return [["keyLifetime", `a key that lives for ${keyLifetime} is of no use; give 1d, say.`]];
    if (keyRotateAfter === undefined || (durationOf(keyRotateAfter) ?? 0) < lifetime) return [];
    return [
        [
            "keyRotateAfter",
            `a key that lives for ${keyLifetime} (${place}.keyLifetime) has ended by ${keyRotateAfter}, ` +
                "so it could not be replaced in time; give less, or remove it: the default is two thirds of the lifetime.",
        ],
    ];
}

export const ciChecks: CrossCheck[] = [
    {
        needs: ["ci.keyLifetime", "ci.keyRotateAfter"],
        check: ({ ci }) => keyMistakes(ci, "ci").map(([member, why]) => mistake(`ci.${member}`, why)),
    },
    {
        needs: ["ciSecrets.names", "ciSecrets.store"],
        check: ({ ciSecrets: { names, store } }) =>
            secretNames(names, store).mistakes.map((sentence) => mistake("ciSecrets.names", sentence)),
    },
];
