/** What a site is refused for, for tests of zot.extraConfig. */
import { type Changes, refusals as refusalsOf } from "./refusals";
import { siteSettings } from "./settings";

const withExtraConfig = (extraConfig: object, changes: Changes): Changes => ({
    ...changes,
    zot: { ...changes.zot, extraConfig },
});

/** The sentences that this zot.extraConfig is refused with; none where it is accepted. */
export const refusals = (extraConfig: object, changes: Changes = {}): string[] =>
    refusalsOf(withExtraConfig(extraConfig, changes)).map((message) => message.replace(/^zot\.extraConfig: /, ""));

/** zot's config with this zot.extraConfig in it. */
export const rendered = (extraConfig: object = {}, changes: Changes = {}) =>
    siteSettings(withExtraConfig(extraConfig, changes)).zotConfig() as Record<string, any>;

/** A zot.extraConfig with a rule by hand for `team/**`: the three tiers, where CI may move no tag, and what comes after. */
export const ruleByHand = (...more: object[]) => ({
    http: {
        accessControl: {
            repositories: {
                "team/**": {
                    anonymousPolicy: ["read"],
                    defaultPolicy: ["read"],
                    policies: [
                        { groups: ["admins"], actions: ["read", "create", "delete"] },
                        { groups: ["artifact-workloads"], actions: ["read", "create"] },
                        ...more,
                    ],
                },
            },
        },
    },
});
