/** Settings that say who may do what. Pure. */
import * as z from "zod/mini";
import { ACTIONS } from "../actions";
import { boolean, checked, define, isName, mapOf, whateverElse } from "../kinds";
import { IN_ZOT_CONFIG, onOff, ordered } from "../meanings";
import { movableEntryMistakes } from "../movableTags";
import { channelMistake, patternMistake } from "../patterns";
import { isMap } from "../setting";
import { TAG_FORM_ALLOWED, tagFormMistake } from "../tagForms";
import { THREE_TIERS } from "../zotPlaces";

const action = z.enum(ACTIONS);
const actionList = z.array(action).check(
    z.minLength(1),
    z.superRefine((actions, context) => {
        const twice = actions.find((item, index) => actions.indexOf(item) < index);
        if (twice) context.addIssue({ code: "custom", input: actions, params: { because: `${twice} is in it twice` } });
    }),
);
const pattern = checked(patternMistake);

/**
 * One rule for the repositories that match a pattern, as a site writes it. Omitted parts are as for all repositories.
 */
const rule = z.strictObject({
    anonymous: z.optional(actionList),
    ci: z.optional(actionList),
    admins: z.optional(actionList),
    groups: z.optional(mapOf(isName, actionList)),
});
/** One value of `access.rules`. */
export type RepositoryRuleSetting = z.infer<typeof rule>;

export const access = {
    ciRepositories: define<string[]>({
        description: "Repositories to which CI may add tags.",
        kind: "list",
        schema: z.array(pattern).check(z.minLength(1)),
        allowed:
            'a list of patterns such as "**" or "images/**": ' +
            'small letters, "*" within a part, "**" for any number of parts',
        default: ["**"],
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    ciMayPushToMirrors: define({
        description: "Whether CI may also push under the prefixes of the pull-through caches.",
        ...boolean(),
        default: false,
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    adminsMayUpdate: define({
        description: "Whether admins may overwrite a tag. Without it a tag is deleted and pushed again.",
        ...boolean(),
        default: false,
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    channels: define<string[]>({
        description:
            "Repositories in which CI may also move tags, such as build caches and channels; " +
            "nothing in them is immutable.",
        kind: "list",
        schema: z.array(checked(channelMistake)),
        allowed:
            'a list of patterns such as "**/cache" or "channels/**", of repositories that hold no versions: ' +
            'small letters, "*" within a part, "**" for any number of parts',
        default: [],
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    movableTags: define<Record<string, string[]>>({
        description:
            "Tags that CI may move in repositories that also hold versions: pattern to forms of tags, such as latest. " +
            "The price is what access.acceptLossOfManifests says.",
        kind: "map",
        entriesStandAlone: true,
        schema: z.record(z.string(), z.array(z.string())).check(
            whateverElse((declared, context) => {
                for (const [pattern, forms] of isMap(declared) ? Object.entries(declared) : []) {
                    // What is no list is refused as such.
                    for (const because of Array.isArray(forms) ? movableEntryMistakes(pattern, forms) : [])
                        context.addIssue({ code: "custom", input: declared, path: [pattern], params: { because } });
                }
            }),
        ),
        allowed:
            'a map from a pattern such as "team/**" to a list of tags such as "latest" or "pr-X" (forms as in ' +
            "access.tagScheme), none of which may be a version, a commit or a date",
        default: {},
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    acceptLossOfManifests: define({
        description:
            "Accepts that whoever may move a tag in a repository can make manifests of its versions unavailable there: " +
            "platforms, signatures. access.movableTags needs it.",
        ...boolean(),
        default: false,
        review: ordered(
            [false, true],
            onOff(
                "CI can make parts of versions unavailable where access.movableTags lets tags move, and that is accepted",
                "tags that move beside versions are refused",
            ),
        ),
    }),
    tagScheme: define<string[]>({
        description: "Forms, one of which a new tag of CI must have, outside of channels.",
        kind: "list",
        schema: z.array(checked(tagFormMistake)),
        allowed: TAG_FORM_ALLOWED,
        default: [],
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    explainRefusals: define({
        description: "Whether the registry says why it refuses a push or a deletion, and what to do instead.",
        ...boolean(),
        default: false,
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
    rules: define<Record<string, RepositoryRuleSetting>>({
        description:
            "Rules for some repositories: pattern to {anonymous, ci, admins, groups}; " +
            "what is left out is as for all repositories.",
        kind: "map",
        schema: mapOf(patternMistake, rule),
        allowed:
            `a map from a pattern (small letters, no "::") to {anonymous, ci, admins: actions, groups: ` +
            `{name: actions}}, actions being a list of some of ${ACTIONS.join(", ")}`,
        default: {},
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
    }),
};
