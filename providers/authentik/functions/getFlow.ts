import { everyPage } from "../../../clients/authentik/client";
import type { FunctionDefinition } from "../function";
import { oneOf, text } from "../propertyTypes";

const designations = [
    "authentication",
    "authorization",
    "invalidation",
    "enrollment",
    "unenrollment",
    "recovery",
    "stage_configuration",
];

export const getFlow: FunctionDefinition = {
    token: "authentik:index/getFlow:getFlow",
    description: "Looks up a flow.",
    noun: "flow",
    permission: "authentik_flows.view_flow",
    arguments: {
        slug: { type: text, description: "The flow's slug." },
        designation: {
            type: oneOf(...designations),
            description: "What the flow is for. The first that fits is taken.",
        },
        authentication: { type: text, description: "Who may run the flow." },
    },
    results: {
        id: { schema: { type: "string" }, description: "The flow's UUID, which providers refer to." },
        slug: { schema: { type: "string" }, description: "The flow's slug." },
        name: { schema: { type: "string" }, description: "The flow's name." },
        title: { schema: { type: "string" }, description: "The title that is shown." },
        designation: { schema: { type: "string" }, description: "What the flow is for." },
        authentication: { schema: { type: "string" }, description: "Who may run the flow." },
    },
    check: (args) =>
        args.slug === undefined && args.designation === undefined
            ? [{ property: "slug", reason: "slug or designation is required: which flow to look up" }]
            : [],
    nameArgument: "slug",
    namesLike: async (client, search) =>
        (await client.flows.flowsInstancesList({ search })).results.map(({ slug }) => slug),
    lookUp: async (client, args) => {
        const all = await everyPage((page, pageSize) =>
            client.flows.flowsInstancesList({
                page,
                pageSize,
                ...(args.slug === undefined ? {} : { slug: args.slug as string }),
                ...(args.designation === undefined ? {} : { designation: args.designation as never }),
            }),
        );
        const flow = all.find((candidate) =>
            Object.entries(args).every(([name, value]) => candidate[name as keyof typeof candidate] === value),
        );
        if (!flow) return undefined;
        return {
            id: flow.pk,
            slug: flow.slug,
            name: flow.name,
            title: flow.title,
            designation: flow.designation,
            authentication: flow.authentication ?? "none",
        };
    },
};
