/** Who may do what, as rows of a matrix. */
import { ANONYMOUS_ROW, accessMatrix, LOGGED_IN_ROW, type Who } from "../../components/accessPolicy";
import { teamRules } from "../../testbed/bench/shapes";
import { mirrors, policyFor, rights } from "../support/policies";
import { siteSettings } from "../support/settings";

describe("the access matrix", () => {
    test("has a row for whoever the rule or the whole policy names, general patterns first", () => {
        const matrix = accessMatrix(
            policyFor(
                { rules: { "team/**": { ci: ["read"], groups: { "team-ci": ["read", "create"] } } } },
                { mirrors },
            ),
        );
        expect(Object.keys(matrix)).toEqual(["**", "team/**", "docker.io/**"]);
        expect(matrix).toEqual({
            "**": {
                [ANONYMOUS_ROW]: ["read"],
                [LOGGED_IN_ROW]: ["read"],
                "group artifact-workloads": ["read", "create"],
                "group admins": ["read", "create", "delete"],
            },
            "docker.io/**": {
                [ANONYMOUS_ROW]: ["read"],
                [LOGGED_IN_ROW]: ["read"],
                "group artifact-workloads": ["read"],
                "group admins": ["read", "create", "delete"],
            },
            "team/**": {
                [ANONYMOUS_ROW]: ["read"],
                [LOGGED_IN_ROW]: ["read"],
                "group artifact-workloads": ["read"],
                "group admins": ["read", "create", "delete"],
                "group team-ci": ["read", "create"],
            },
        });
    });

    test("leaves out only who has what anyone logged in has", () => {
        const policy = policyFor({ rules: { "team/**": { groups: { "team-ci": ["read", "create"] } } } });
        const teamCi: Who = { kind: "user", name: "", groups: ["team-ci"] };
        const matrix = accessMatrix(policy);
        expect(Object.keys(matrix["**"]!)).not.toContain("group team-ci");
        expect(rights(policy, teamCi, "other")).toEqual(matrix["**"]![LOGGED_IN_ROW]);
    });

    test("grows with rules, and not with rules times groups", () => {
        const size = (rules: number) =>
            JSON.stringify(accessMatrix(siteSettings({ access: { rules: teamRules(rules) } }).policy)).length;
        const [ten, twenty, thirty] = [size(10), size(20), size(30)];
        expect(thirty - twenty).toBe(twenty - ten);
    });

    test("shows what zot.extraConfig adds", () => {
        const readable = { anonymousPolicy: ["read"], defaultPolicy: ["read"] };
        const policies = [
            { groups: ["admins"], actions: ["read", "create", "delete"] },
            { users: ["robot"], actions: ["create"] },
        ];
        const { matrix } = siteSettings({
            zot: {
                extraConfig: { http: { accessControl: { repositories: { "team/**": { ...readable, policies } } } } },
            },
        });
        expect(matrix["team/**"]?.["user robot"]).toEqual(["read", "create"]);
    });
});
