import type { Application, ApplicationRequest } from "@goauthentik/api";
import { type Client, everyPage } from "../../../clients/authentik/client";
import { isNotFound } from "../../../clients/authentik/failures";
import type { ResourceDefinition } from "../definition";
import { boolean, integer, integerList, oneOf, text } from "../propertyTypes";

/** The application of a provider, which knows the application's current slug. */
async function applicationOf(client: Client, provider: number): Promise<Application | undefined> {
    try {
        const { assignedApplicationSlug: slug } = await client.providers.providersOauth2Retrieve({ id: provider });
        return slug ? await client.core.coreApplicationsRetrieve({ slug }) : undefined;
    } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
    }
}

export const application: ResourceDefinition<Application, ApplicationRequest> = {
    token: "authentik:index/application:Application",
    noun: "application",
    description: "An application that users log in to. Policy bindings on its `uuid` say who may.",
    properties: {
        name: { type: text, autonamed: true, description: "The name that is shown." },
        slug: {
            type: text,
            required: true,
            description:
                "The name in addresses; the issuer of its OpenID Connect provider contains it. " +
                "No two applications have the same.",
        },
        provider: {
            name: "protocolProvider",
            type: integer,
            description:
                "Id of the provider that the application logs its users in with. It serves no other application.",
        },
        backchannelProviders: { type: integerList, description: "Ids of providers that work beside it, such as SCIM." },
        openInNewTab: { type: boolean, default: false, description: "Whether it opens in a new tab." },
        metaLaunchUrl: { type: text, description: "Where it is opened at. Left out, Authentik asks the provider." },
        metaIcon: { type: text, since: "2025.12", description: "Its icon: a file of Authentik's, or an address." },
        metaDescription: { type: text, description: "A sentence about it." },
        metaPublisher: { type: text, description: "Who publishes it." },
        metaHide: {
            type: boolean,
            default: false,
            since: "2026.5",
            description: "Whether it is left out of the user's list of applications.",
        },
        policyEngineMode: {
            type: oneOf("all", "any"),
            default: "any",
            description: "Whether all or any of its policy bindings must pass.",
        },
        group: { type: text, description: "The heading that it is shown under." },
    },
    outputs: { pk: { name: "uuid", type: text, description: "The UUID that policy bindings target." } },
    idOutput: "applicationId",
    // As in the bridged provider. A slug can change in place, so the slug in the state takes precedence over the
    // id.
    idOf: (answer) => answer.slug,
    currentId: (id, properties) => (typeof properties.slug === "string" ? properties.slug : id),
    idHelp: "Its id is its slug.",
    permission: { app: "authentik_core", model: "application" },
    keyProperty: "slug",
    label: (inputs) => String(inputs.slug ?? inputs.applicationId ?? ""),
    // Not by the list, which is cached for a day and ignores filters (measured on 2026.5).
    find: async (client, request, by) => {
        if (by === "provider") return [];
        try {
            return [await client.core.coreApplicationsRetrieve({ slug: request.slug })];
        } catch (error) {
            if (isNotFound(error)) return [];
            throw error;
        }
    },
    create: (client, request) => client.core.coreApplicationsCreate({ applicationRequest: request }),
    read: (client, id) => client.core.coreApplicationsRetrieve({ slug: id }),
    findMoved: async (client, { protocolProvider, uuid }) => {
        const byProvider =
            typeof protocolProvider === "number" ? await applicationOf(client, protocolProvider) : undefined;
        if (byProvider?.pk === uuid) return byProvider;
        // The provider may have been removed from it too. Anyone but a superuser sees only the applications they may
        // use.
        const all = await everyPage((page, pageSize) =>
            client.core.coreApplicationsList({ superuserFullList: true, page, pageSize }),
        );
        return all.find(({ pk }) => pk === uuid);
    },
    update: (client, id, changes) =>
        client.core.coreApplicationsPartialUpdate({ slug: id, patchedApplicationRequest: changes }),
    delete: (client, id) => client.core.coreApplicationsDestroy({ slug: id }),
};
