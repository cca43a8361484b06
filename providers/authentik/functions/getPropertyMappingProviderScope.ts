import { type Client, everyPage } from "../../../clients/authentik/client";
import { failureIn } from "../../../clients/authentik/failures";
import type { PropertyMap } from "../../protocol";
import { type FunctionDefinition, nothingFound } from "../function";
import { text, textList } from "../propertyTypes";

export const getPropertyMappingProviderScope: FunctionDefinition = {
    token: "authentik:index/getPropertyMappingProviderScope:getPropertyMappingProviderScope",
    description: "Looks up the scope mappings of OAuth2 providers: one, or several by `managedLists`.",
    noun: "scope mapping",
    permission: "authentik_providers_oauth2.view_scopemapping",
    arguments: {
        managed: {
            type: text,
            description: "The mapping's managed name, such as `goauthentik.io/providers/oauth2/scope-openid`.",
        },
        managedLists: {
            type: textList,
            description: "The managed names of several mappings, whose ids are then in `ids`, in this order.",
        },
        name: { type: text, description: "The mapping's name." },
        scopeName: { type: text, description: "The scope that it belongs to." },
    },
    results: {
        id: { schema: { type: "string" }, description: "The mapping's id; `-1` where several were asked for." },
        ids: {
            schema: { type: "array", items: { type: "string" } },
            description: "The ids of the mappings in `managedLists`.",
        },
        name: { schema: { type: "string" }, description: "The mapping's name." },
        scopeName: { schema: { type: "string" }, description: "The scope that it belongs to." },
        expression: { schema: { type: "string" }, description: "The Python that gives the scope's claims." },
        description: {
            schema: { type: "string" },
            description: "What users are told when they are asked for consent.",
        },
    },
    check: (args) => {
        if (args.name !== undefined && args.managedLists !== undefined)
            return [{ property: "name", reason: "only one of name and managedLists can be given" }];
        if (Object.keys(args).length === 0)
            return [
                {
                    property: "managed",
                    reason: "one of managed, managedLists, name and scopeName is required: which mapping to look up",
                },
            ];
        return [];
    },
    lookUp: async (client, args): Promise<PropertyMap | undefined> => {
        const managedLists = args.managedLists as string[] | undefined;
        const managed = managedLists ?? (args.managed === undefined ? undefined : [args.managed as string]);
        const all = await everyPage((page, pageSize) =>
            client.propertyMappings.propertymappingsProviderScopeList({
                page,
                pageSize,
                ...(managed ? { managed } : {}),
                ...(args.name === undefined ? {} : { name: args.name as string }),
                ...(args.scopeName === undefined ? {} : { scopeName: args.scopeName as string }),
            }),
        ).catch(async (error: unknown) => {
            // If no mapping has the managed name, Authentik answers 400 "Select a valid choice" (measured on 2026.5).
            const failure = failureIn(error);
            const missing = managed?.find((name) =>
                failure?.fields.managed?.some((complaint) => complaint.includes(name)),
            );
            throw missing === undefined ? error : await noMapping(client, missing);
        });
        const fitting = all.filter(
            (mapping) =>
                (!managed || managed.includes(mapping.managed ?? "")) &&
                (args.name === undefined || mapping.name === args.name) &&
                (args.scopeName === undefined || mapping.scopeName === args.scopeName),
        );
        if (managedLists) {
            const ids = managedLists.map((wanted) => fitting.find(({ managed }) => managed === wanted)?.pk);
            // A provider without its profile mapping issues tokens without groups; then no provider is better.
            const missing = managedLists.find((_, index) => ids[index] === undefined);
            if (missing !== undefined) throw await noMapping(client, missing);
            return { id: "-1", ids: ids as string[] };
        }
        const [mapping] = fitting;
        if (!mapping) return undefined;
        return {
            id: mapping.pk,
            ids: [],
            name: mapping.name,
            scopeName: mapping.scopeName,
            expression: mapping.expression,
            description: mapping.description ?? "",
        };
    },
};

const noMapping = (client: Client, managed: string) =>
    nothingFound(client, getPropertyMappingProviderScope, { managed });
