/** What preview and up say of a changed config. */
import { policyChanges } from "../../components/accessChanges";
import { hostPayload } from "../../components/hostPayload";
import { deployedPolicy, rightsMessage } from "../../components/shownRights";
import { namelessSecretFiles, readOnlyConfig } from "../../components/zotConfig";
import { siteSettings } from "../support/settings";

const payloadFor = (access: Record<string, unknown>) => {
    const declared = siteSettings({ access });
    const files = namelessSecretFiles(declared.settings);
    return hostPayload({
        settings: declared.settings,
        files,
        config: declared.zotConfig(files),
        readOnlyConfig: readOnlyConfig(declared.settings),
        credentials: "{}\n",
        sessionKeys: "{}\n",
    });
};

test("the policy that was deployed is read back from the payload", () => {
    const access = { ciRepositories: ["team/**"], rules: { "base/**": { ci: ["read"] } } };
    expect(deployedPolicy(payloadFor(access))).toEqual(siteSettings({ access }).policy);
});

test.each(["", "no payload", "== config 1\nnot JSON\n== end\n"])("of %j nothing is said", (payload) => {
    expect(deployedPolicy(payload)).toBeUndefined();
});

test("widening is marked and first", () => {
    const changes = policyChanges(
        deployedPolicy(payloadFor({ ciRepositories: ["team/**"] }))!,
        siteSettings({ access: { ciRepositories: ["tools/**"] } }).policy,
    );
    expect(rightsMessage(changes, { workloadsGroup: "artifact-workloads", adminsGroup: "admins" })).toBe(
        [
            "Rights on the registry widen:",
            "  WIDER     CI (group `artifact-workloads`) gains create on `tools/**`",
            "  narrower  CI (group `artifact-workloads`) loses create on `team/**`",
        ].join("\n"),
    );
});
