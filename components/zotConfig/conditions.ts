/** Finds mistakes in a site's own conditions, which zot accepts and then follows silently. Pure. */
import { type AccessPolicy, type Action, type Grant, isRefusal } from "../accessPolicy";
import { limitOf } from "../conditions/limits";
import { expressionMistakes, stoppedBy } from "../conditions/mistakes";
import type { ConditionalGrant } from "./accessControl";

/**
 * Every such mistake, as the middle of a sentence.
 *
 * @param isSound whether the policy has no other mistakes; what else a condition stops is only checked then
 */
export function conditionMistakes(
    conditional: readonly ConditionalGrant[],
    policy: AccessPolicy,
    isSound: boolean,
): string[] {
    return conditional.flatMap((found) => {
        const { where, grant } = found;
        const own = (grant.conditions ?? []).map(({ expression }) => expression);
        // Conditions that this program writes are correct.
        if (own.every((expression) => limitOf(expression) !== undefined)) return [];
        const mistakes = own.flatMap((expression, index) =>
            limitOf(expression) || expression.trim() === ""
                ? []
                : expressionMistakes(expression).map((mistake) => `${where}.conditions[${index}]: ${mistake}`),
        );
        if (mistakes.length > 0 || !isSound) return mistakes;
        return stoppedBy(own, actionsByItAlone(found, policy)).map((mistake) => `${where}: ${mistake}`);
    });
}

/** The actions that no other grant gives to the same users and groups. */
function actionsByItAlone({ grant, rule }: ConditionalGrant, policy: AccessPolicy): Action[] {
    const isFor = (other: Grant) =>
        grant.users.every((user) => other.users.includes(user)) &&
        grant.groups.every((group) => other.groups.includes(group));
    const others = [...(rule?.grants ?? []), ...policy.everywhere].filter(
        (other) => JSON.stringify(other) !== JSON.stringify(grant) && isFor(other) && !isRefusal(other),
    );
    return grant.actions.filter(
        (action) => !rule?.loggedIn.includes(action) && !others.some((other) => other.actions.includes(action)),
    );
}
