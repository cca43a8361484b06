import type { Group, GroupRequest } from "@goauthentik/api";
import type { ResourceDefinition } from "../definition";
import { boolean, integerList, json, text, textList } from "../propertyTypes";

/** Updates are PATCHes: a PUT without `users` removes all members (measured on 2026.5). */
export const group: ResourceDefinition<Group, GroupRequest> = {
    token: "authentik:index/group:Group",
    noun: "group",
    description: "A group of users. Other groups, roles and users can be members of it.",
    properties: {
        name: { type: text, autonamed: true, description: "The group's name. No two groups have the same." },
        isSuperuser: { type: boolean, default: false, description: "Whether members are superusers of Authentik." },
        parents: { type: textList, since: "2025.12", description: "Ids of the groups that this one belongs to." },
        users: {
            type: integerList,
            absent: "unmanaged",
            description:
                "Ids of the members. Left out, the members are not managed here: " +
                "a user's `groups` says them instead. Never say both.",
        },
        attributes: { type: json, default: "{}", description: "Attributes that members inherit." },
        roles: { type: textList, description: "Ids of the roles that members have." },
    },
    idOutput: "groupId",
    idOf: (answer) => answer.pk,
    idHelp: "Its id is the UUID in the address of its page under Directory > Groups.",
    permission: { app: "authentik_core", model: "group" },
    keyProperty: "name",
    label: (inputs) => String(inputs.name ?? inputs.groupId ?? ""),
    find: async (client, request) => {
        const { results } = await client.core.coreGroupsList({ name: request.name, includeUsers: false });
        return results.filter((found) => found.name === request.name);
    },
    create: (client, request) => client.core.coreGroupsCreate({ groupRequest: request }),
    read: (client, id) => client.core.coreGroupsRetrieve({ groupUuid: id, includeUsers: false }),
    update: (client, id, changes) =>
        client.core.coreGroupsPartialUpdate({ groupUuid: id, patchedGroupRequest: changes }),
    delete: (client, id) => client.core.coreGroupsDestroy({ groupUuid: id }),
};
