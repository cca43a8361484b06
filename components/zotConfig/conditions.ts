/** What is wrong with conditions of a site's own, which zot takes and then goes by without a word. Pure. */
import { type AccessPolicy, type Action, type Grant, isRefusal } from "../accessPolicy";
import { limitOf } from "../conditions/limits";
import { expressionMistakes, stoppedBy } from "../conditions/mistakes";
import type { ConditionalGrant } from "./accessControl";

/**
 * Every such mistake, as the middle of a sentence.
 *
 * @param isSound whether the policy is right otherwise; what else a condition stops is no matter before
 */
export function conditionMistakes(
    conditional: readonly ConditionalGrant[],
    policy: AccessPolicy,
    isSound: boolean,
): string[] {
    return conditional.flatMap((found) => {
        const { where, grant } = found;
        const own = (grant.conditions ?? []).map(({ expression }) => expression);
        // Those of this program say what they say.
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

/** Actions that those whom a grant is for have by no other one. */
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
