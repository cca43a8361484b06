/** What the settings of CI say together, and must not. Pure. */
import { secretNames } from "../ciSecretNames";
import { type CrossCheck, mistake } from "./crossCheck";

export const ciChecks: CrossCheck[] = [
    {
        needs: ["ciSecrets.names", "ciSecrets.store"],
        check: ({ ciSecrets: { names, store } }) =>
            secretNames(names, store).mistakes.map((sentence) => mistake("ciSecrets.names", sentence)),
    },
];
