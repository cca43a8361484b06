/** Whether versions are complete: every part that a client needs is there. */
import { evaluate } from "../../../components/accessPolicy";
import type { Check } from "../check";
import { ciOf } from "../context";
import { walk } from "../integrity/walk";
import { outcomeOf } from "../integrity/words";

export const integrity: Check[] = [
    {
        id: "version-parts",
        title: "Every part of the versions is there: manifests, platforms, layers, signatures",
        needs: [],
        async run(context) {
            const { policy } = context.subject;
            const ci = ciOf(context.subject);
            const caches = await context.mirrors();
            const { walk: options } = context;
            const walked = await walk(context.anonymous.unrecorded(), {
                ...options,
                isCache: (repository) => caches.some((prefix) => repository.startsWith(`${prefix}/`)),
                movesTag: ({ repository, tag }) => evaluate(policy, ci, "update", repository, tag),
            });
            return outcomeOf(walked, options.seed);
        },
    },
];
