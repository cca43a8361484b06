/** Policies of a site's settings, and what somebody may do by one. */
import { ACTIONS, type AccessPolicy, type Action, evaluate, type Who } from "../../components/accessPolicy";
import { tieredPolicy } from "../../components/accessTiers";
import { siteSettings } from "./settings";

export const mirrors = [{ url: "https://registry-1.docker.io", prefix: "docker.io" }];

export const policyFor = (access: Record<string, unknown> = {}, zot: Record<string, unknown> = {}) =>
    tieredPolicy(siteSettings({ access, zot }).settings);

export const rights = (policy: AccessPolicy, who: Who, repository: string): Action[] =>
    ACTIONS.filter((action) => evaluate(policy, who, action, repository));
