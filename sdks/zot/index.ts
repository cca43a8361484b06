/** Pulumi resources of a zot registry: the npm package `pulumi-zot`, for the provider in providers/zot. */
import * as pulumi from "@pulumi/pulumi";
import { ApiKey } from "./apiKey";
import { ClientSecret } from "./clientSecret";
import { HostObservation } from "./hostObservation";
import { HostWithdrawal } from "./hostWithdrawal";
import { Provider } from "./provider";
import { getVersion } from "./utilities";

export { ApiKey, type ApiKeyArgs, type ApiKeyStatus, type Predecessor } from "./apiKey";
export { ClientSecret, type ClientSecretArgs } from "./clientSecret";
export { HostObservation, type HostObservationArgs, type HostReport, type SshAddress, type SshConnection } from "./hostObservation";
export { HostWithdrawal, type HostWithdrawalArgs } from "./hostWithdrawal";
export { Provider, type ProviderArgs } from "./provider";

pulumi.runtime.registerResourceModule("zot", "index/apiKey", {
    version: getVersion(),
    construct: (name: string, type: string, urn: string): pulumi.Resource => {
        if (type !== ApiKey.__pulumiType) throw new Error(`unknown resource type ${type}`);
        return new ApiKey(name, undefined as never, { urn });
    },
});
pulumi.runtime.registerResourceModule("zot", "index/clientSecret", {
    version: getVersion(),
    construct: (name: string, type: string, urn: string): pulumi.Resource => {
        if (type !== ClientSecret.__pulumiType) throw new Error(`unknown resource type ${type}`);
        return new ClientSecret(name, undefined as never, { urn });
    },
});
pulumi.runtime.registerResourceModule("zot", "index/hostObservation", {
    version: getVersion(),
    construct: (name: string, type: string, urn: string): pulumi.Resource => {
        if (type !== HostObservation.__pulumiType) throw new Error(`unknown resource type ${type}`);
        return new HostObservation(name, undefined as never, { urn });
    },
});
pulumi.runtime.registerResourceModule("zot", "index/hostWithdrawal", {
    version: getVersion(),
    construct: (name: string, type: string, urn: string): pulumi.Resource => {
        if (type !== HostWithdrawal.__pulumiType) throw new Error(`unknown resource type ${type}`);
        return new HostWithdrawal(name, undefined as never, { urn });
    },
});
pulumi.runtime.registerResourcePackage("zot", {
    version: getVersion(),
    constructProvider: (name: string, type: string, urn: string): pulumi.ProviderResource => {
        if (type !== `pulumi:providers:${Provider.__pulumiType}`) throw new Error(`unknown provider type ${type}`);
        return new Provider(name, undefined, { urn });
    },
});
