/** The program: settings -> components -> stack outputs. */
import * as pulumi from "@pulumi/pulumi";
import { declaredState } from "./components/declaredState";
import { HardenedRegistry } from "./components/hardenedRegistry";
import { lookUpAuthentik } from "./components/registryIdentity";
import { settingsFromPulumi } from "./components/settings/fromPulumi";
import { SettingsError } from "./components/settings";

function declared() {
    try {
        return declaredState(settingsFromPulumi(), `the stack ${pulumi.getStack()}`);
    } catch (error) {
        // A mistake of the user is told as it is, without a stack trace.
        throw error instanceof SettingsError ? new pulumi.RunError(error.message) : error;
    }
}

export = async function program() {
    const { settings, matrix } = declared();
    const found = await lookUpAuthentik(settings);
    const registry = new HardenedRegistry("registry", { settings, found });
    return {
        /** Where to pull from and push to. */
        registryUrl: settings.registry.url,
        registryHost: new URL(settings.registry.url).host,
        issuer: settings.identity.issuer,
        oidcClientId: settings.identity.clientId,
        ciUserName: settings.identity.ciUser,
        /** zot's config as it is on the host, and the sha256 of the file. */
        zotConfig: registry.zotConfig,
        zotConfigSha256: registry.zotConfigSha256,
        /** Who may do what, by repository pattern. */
        accessMatrix: matrix,
    };
};
