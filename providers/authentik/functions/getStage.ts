import type { FunctionDefinition } from "../function";
import { text } from "../propertyTypes";

export const getStage: FunctionDefinition = {
    token: "authentik:index/getStage:getStage",
    description: "Looks up a stage, of whatever kind.",
    noun: "stage",
    permission: "authentik_flows.view_stage",
    arguments: { name: { type: text, required: true, description: "The stage's name." } },
    results: {
        id: { schema: { type: "string" }, description: "The stage's id." },
        name: { schema: { type: "string" }, description: "The stage's name." },
    },
    nameArgument: "name",
    namesLike: async (client, search) =>
        (await client.stages.stagesAllList({ search })).results.map(({ name }) => name),
    lookUp: async (client, args) => {
        const { results } = await client.stages.stagesAllList({ name: args.name as string });
        const stage = results.find((candidate) => candidate.name === args.name);
        if (!stage) return undefined;
        return { id: stage.pk, name: stage.name };
    },
};
