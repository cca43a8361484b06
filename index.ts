/** The program: settings -> components -> stack outputs. */
import * as pulumi from "@pulumi/pulumi";
import * as zot from "pulumi-zot";
import { matrixInWords } from "./components/accessPolicy";
import { accessWarnings } from "./components/accessWarnings";
import { warnOfBlueprints } from "./components/blueprintOwners";
import { ChangedBefore } from "./components/changedBefore";
import { declaredState } from "./components/declaredState";
import { HardenedRegistry } from "./components/hardenedRegistry";
import { IdentityPreflight } from "./components/identityPreflight";
import { observeMachinesAlone } from "./components/machines";
import { silenceDebugLog } from "./components/quietEngineLog";
import { lookUpAuthentik } from "./components/registryIdentity";
import { hasMembers, membersOf, type Settings, SettingsError } from "./components/settings";
import { authentikAccess, authentikConnection, settingsFromPulumi } from "./components/settings/fromPulumi";
import { warnOfMissingPermissions } from "./components/tokenPermissions";
import { afterDestroyText } from "./components/whatNext";
import { clientWarnings, timeoutWarnings } from "./components/zotConfig";

function declared() {
    try {
        return declaredState(settingsFromPulumi(), `the stack ${pulumi.getStack()}`);
    } catch (error) {
        // A mistake of the user is printed without a stack trace.
        throw error instanceof SettingsError ? new pulumi.RunError(error.message) : error;
    }
}

/**
 * What CI's further identities push with, by their names: what anyone may see, and the keys. Empty if there are none.
 */
function workloadOutputs({ workloadCredentials }: HardenedRegistry, { ci }: Settings) {
    const of = <T>(value: (name: string) => T) =>
        Object.fromEntries(Object.keys(ci.workloads).map((name) => [name, value(name)]));
    if (Object.keys(workloadCredentials).length === 0) return {};
    return {
        workloads: of((name) => {
            const { userName, expires, uuid } = workloadCredentials[name]!;
            return { ciUserName: userName, ciApiKeyExpires: expires, ciApiKeyUuid: uuid };
        }),
        /** Secret. */
        workloadApiKeys: pulumi.secret(of((name) => workloadCredentials[name]!.key)),
    };
}

/** The sha256 of zot's config on each machine, if the registry has several. */
function hostOutputs({ hosts }: HardenedRegistry, settings: Settings) {
    if (!hasMembers(settings)) return {};
    const entries = membersOf(settings).map(({ name }, index) => [name, hosts[index]!.zotConfigSha256]);
    return { hosts: Object.fromEntries(entries) as Record<string, pulumi.Output<string>> };
}

export = async function program() {
    silenceDebugLog();
    const { settings, matrix } = declared();
    // CI's key is minted through the same Authentik. The provider reads address and token from the environment if
    // the stack does not have them. Declared first, so it starts while Authentik is asked.
    const zotProvider = new zot.Provider("registry", authentikConnection());
    const declaredWarnings = [...timeoutWarnings(settings), ...accessWarnings(settings), ...clientWarnings(settings)];
    if (pulumi.runtime.isDryRun()) for (const warning of declaredWarnings) await pulumi.log.warn(warning);
    const access = pulumi.runtime.isDryRun() ? authentikAccess() : undefined;
    // These run in parallel. If the work fails, they may explain why.
    const preflight = new IdentityPreflight("registry", settings, authentikAccess());
    const warnings =
        access &&
        Promise.all([warnOfMissingPermissions(settings, access), warnOfBlueprints(settings, access), preflight.warn()]);
    const found = await lookUpAuthentik(settings).catch(async (error: Error) => {
        await warnings;
        // Also reports why the host would refuse a deployment, if the host may be looked at.
        if (settings.host.observe) {
            const looks = observeMachinesAlone("registry", settings, error.message.split("\n"), {
                providers: { zot: zotProvider },
            });
            await Promise.all(looks.map((look) => new Promise((resolve) => look.urn.apply(resolve))));
        }
        throw error;
    });
    const registry = new HardenedRegistry(
        "registry",
        { settings, found, preflight, changed: new ChangedBefore("registry") },
        { providers: { zot: zotProvider } },
    );
    await warnings;
    return {
        /** The address to pull from and push to. */
        registryUrl: settings.registry.url,
        registryHost: new URL(settings.registry.url).host,
        issuer: settings.identity.issuer,
        oidcClientId: settings.identity.clientId,
        /** What CI pushes with: user name, API key (secret) and the key's expiry, RFC 3339. */
        ciUserName: settings.identity.ciUser,
        ciApiKey: registry.ciCredential.key,
        ciApiKeyExpires: registry.ciCredential.expires,
        ciApiKeyUuid: registry.ciCredential.uuid,
        ...workloadOutputs(registry, settings),
        /** sha256 of zot's config as it is on the host, in hex; `npm run config` prints the config. */
        zotConfigSha256: registry.zotConfigSha256,
        ...hostOutputs(registry, settings),
        /** What a destroy leaves behind, in words. */
        afterDestroy: afterDestroyText(settings.host.onDestroy),
        /** Who may do what, by repository pattern. */
        accessMatrix: matrixInWords(matrix),
    };
};
