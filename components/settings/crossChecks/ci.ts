/** What the settings of CI say together, and must not. Pure. */
import { durationOf } from "../../../clients/durations";
import { secretNames } from "../ciSecretNames";
import { type CrossCheck, mistake } from "./crossCheck";

export const ciChecks: CrossCheck[] = [
    {
        needs: ["ci.keyLifetime", "ci.keyRotateAfter"],
        check: ({ ci: { keyLifetime, keyRotateAfter } }) => {
            const lifetime = durationOf(keyLifetime) ?? 0;
            if (lifetime === 0)
                return [mistake("ci.keyLifetime", `a key that lives for ${keyLifetime} is none; give 1d, say.`)];
            if (keyRotateAfter === undefined || (durationOf(keyRotateAfter) ?? 0) < lifetime) return [];
            return [
                mistake(
                    "ci.keyRotateAfter",
                    `after ${keyRotateAfter} a key has ended that lives for ${keyLifetime} (ci.keyLifetime), ` +
                        "and has no successor; give less, or remove it: then it is two thirds of the lifetime.",
                ),
            ];
        },
    },
    {
        needs: ["ciSecrets.names", "ciSecrets.store"],
        check: ({ ciSecrets: { names, store } }) =>
            secretNames(names, store).mistakes.map((sentence) => mistake("ciSecrets.names", sentence)),
    },
];
