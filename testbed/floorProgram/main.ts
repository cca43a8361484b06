/**
 * The floor that `npm run bench` compares the program with: as many resources, components and look-ups of the same
 * packages, declared in the same order, with nothing that is ours. Its providers do nothing (testbed/floorProvider).
 */
import * as authentik from "@pulumi/authentik";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as zot from "pulumi-zot";

class Component extends pulumi.ComponentResource {}

/** A resource of the package zot, without what its class asks of its inputs. */
class OfZot extends pulumi.CustomResource {
    constructor(type: string, inputs: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
        super(`zot:index/${type}`, "registry", inputs, opts);
    }
}

export = async function program() {
    const zotProvider = new zot.Provider("registry", {});
    const [flow, , , mappings, group] = await Promise.all([
        authentik.getFlow({ slug: "authorization" }),
        authentik.getFlow({ slug: "invalidation" }),
        authentik.getCertificateKeyPair({ name: "certificate" }),
        authentik.getPropertyMappingProviderScope({ managedLists: ["openid", "email", "profile"] }),
        authentik.getGroup({ name: "admins" }),
    ]);
    const registry = new Component("floor:index:Registry", "registry", {}, { providers: { zot: zotProvider } });
    const identity = new Component("floor:index:Identity", "registry", {}, { parent: registry });
    const host = new Component("floor:index:Host", "registry", {}, { parent: registry });
    new Component("floor:index:AfterDestroy", "nothing is left", {}, { parent: registry });
    const password = (name: string, parent: pulumi.Resource) =>
        new random.RandomPassword(name, { length: 64, special: false }, { parent });
    const [clientPassword, hash, encryption] = [
        password("registry", identity),
        password("registry-hash", registry),
        password("registry-encryption", registry),
    ];
    const secret = new OfZot("clientSecret:ClientSecret", { value: clientPassword.result }, { parent: identity });
    const look = new OfZot(
        "hostObservation:HostObservation",
        { config: pulumi.interpolate`${hash.result}${encryption.result}` },
        { parent: host, dependsOn: secret },
    );
    const after = { parent: identity, dependsOn: look };
    const provider = new authentik.ProviderOauth2(
        "registry",
        {
            clientId: "zot",
            authorizationFlow: flow.id,
            invalidationFlow: flow.id,
            propertyMappings: mappings.ids,
            allowedRedirectUris: [],
        },
        after,
    );
    const application = new authentik.Application("registry", { slug: "zot", protocolProvider: 1 }, after);
    const workloads = new authentik.Group("registry", { name: "artifact-workloads" }, after);
    const user = new authentik.User("registry", { username: "zot-ci", groups: [workloads.id] }, after);
    const binding = new authentik.PolicyBinding(
        "registry-admins",
        { target: application.uuid, group: group.id, order: 0 },
        after,
    );
    const other = new authentik.PolicyBinding(
        "registry-workloads",
        { target: application.uuid, group: workloads.id, order: 1 },
        { parent: identity, dependsOn: [look, binding, provider, user] },
    );
    const deployment = new command.local.Command("registry", { create: "true" }, { parent: host, dependsOn: other });
    const credential = new Component("floor:index:Credential", "registry", {}, { parent: registry });
    const key = new OfZot("apiKey:ApiKey", {}, { parent: credential, dependsOn: deployment });
    new OfZot("hostWithdrawal:HostWithdrawal", {}, { parent: registry, dependsOn: key });
    return { key: key.id };
};
