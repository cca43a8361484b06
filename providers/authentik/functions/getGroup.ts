import { isNotFound } from "../../../clients/authentik/failures";
import { exactlyOneOf, type FunctionDefinition } from "../function";
import { boolean, text } from "../propertyTypes";

const member = {
    pk: { schema: { type: "integer" }, description: "The user's id." },
    username: { schema: { type: "string" }, description: "The name to log in with." },
    name: { schema: { type: "string" }, description: "The name that is shown." },
    isActive: { schema: { type: "boolean" }, description: "Whether the user may log in." },
    lastLogin: { schema: { type: "string" }, description: "When the user last logged in, ISO 8601." },
    email: { schema: { type: "string" }, description: "The e-mail address." },
    attributes: { schema: { type: "string" }, description: "The user's attributes, JSON." },
    uid: { schema: { type: "string" }, description: "What a provider's `sub` says by default." },
} as const;

export const getGroup: FunctionDefinition = {
    token: "authentik:index/getGroup:getGroup",
    description: "Looks up a group.",
    noun: "group",
    permission: "authentik_core.view_group",
    arguments: {
        name: { type: text, description: "The group's name." },
        pk: { type: text, description: "The group's id." },
        includeUsers: { type: boolean, default: true, description: "Whether to fetch the members into `usersObjs`." },
    },
    results: {
        id: { schema: { type: "string" }, description: "The group's id." },
        pk: { schema: { type: "string" }, description: "The group's id." },
        name: { schema: { type: "string" }, description: "The group's name." },
        numPk: { schema: { type: "integer" }, description: "A number for the group, for LDAP." },
        isSuperuser: { schema: { type: "boolean" }, description: "Whether members are superusers of Authentik." },
        attributes: { schema: { type: "string" }, description: "Attributes that members inherit, JSON." },
        parents: {
            schema: { type: "array", items: { type: "string" } },
            description: "Ids of the groups that this one belongs to.",
        },
        parentName: { schema: { type: "string" }, description: "The name of the first of them." },
        users: { schema: { type: "array", items: { type: "integer" } }, description: "Ids of the members." },
        usersObjs: { schema: { listOf: "GetGroupUsersObj" }, description: "The members." },
    },
    types: { GetGroupUsersObj: member },
    check: exactlyOneOf("name", "pk"),
    nameArgument: "name",
    howToMake: "A group is made in Authentik's admin interface, under Directory > Groups.",
    namesLike: async (client, search) =>
        (await client.core.coreGroupsList({ search, includeUsers: false })).results.map(({ name }) => name),
    lookUp: async (client, args) => {
        const includeUsers = args.includeUsers as boolean;
        const group =
            args.pk === undefined
                ? (await client.core.coreGroupsList({ name: args.name as string, includeUsers })).results.find(
                      (candidate) => candidate.name === args.name,
                  )
                : await client.core
                      .coreGroupsRetrieve({ groupUuid: args.pk as string, includeUsers })
                      .catch((error: unknown) => {
                          if (isNotFound(error)) return undefined;
                          throw error;
                      });
        if (!group) return undefined;
        return {
            id: group.pk,
            pk: group.pk,
            name: group.name,
            numPk: group.numPk,
            isSuperuser: group.isSuperuser ?? false,
            attributes: JSON.stringify(group.attributes ?? {}),
            parents: group.parents ?? [],
            parentName: group.parentsObj?.[0]?.name ?? "",
            users: group.users ?? [],
            usersObjs: (group.usersObj ?? []).map((user) => ({
                pk: user.pk,
                username: user.username,
                name: user.name,
                isActive: user.isActive ?? false,
                lastLogin: user.lastLogin?.toISOString() ?? "",
                email: user.email ?? "",
                attributes: JSON.stringify(user.attributes ?? {}),
                uid: user.uid,
            })),
        };
    },
};
