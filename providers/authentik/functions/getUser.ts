import { isNotFound } from "../../../clients/authentik/failures";
import { exactlyOneOf, type FunctionDefinition } from "../function";
import { integer, text } from "../propertyTypes";

export const getUser: FunctionDefinition = {
    token: "authentik:index/getUser:getUser",
    description: "Looks up a user.",
    noun: "user",
    permission: "authentik_core.view_user",
    arguments: {
        username: { type: text, description: "The name to log in with." },
        pk: { type: integer, description: "The user's id." },
    },
    results: {
        id: { schema: { type: "string" }, description: "The user's id." },
        pk: { schema: { type: "integer" }, description: "The user's id." },
        username: { schema: { type: "string" }, description: "The name to log in with." },
        name: { schema: { type: "string" }, description: "The name that is shown." },
        type: { schema: { type: "string" }, description: "What kind of user it is." },
        isActive: { schema: { type: "boolean" }, description: "Whether the user may log in." },
        isSuperuser: { schema: { type: "boolean" }, description: "Whether the user is a superuser of Authentik." },
        lastLogin: { schema: { type: "string" }, description: "When the user last logged in, ISO 8601." },
        dateJoined: { schema: { type: "string" }, description: "When the user was made, ISO 8601." },
        groups: {
            schema: { type: "array", items: { type: "string" } },
            description: "Ids of the groups that the user belongs to.",
        },
        email: { schema: { type: "string" }, description: "The e-mail address." },
        avatar: { schema: { type: "string" }, description: "The address of a picture." },
        attributes: { schema: { type: "string" }, description: "The user's attributes, JSON." },
        uid: { schema: { type: "string" }, description: "What a provider's `sub` says by default." },
        uuid: { schema: { type: "string" }, description: "The user's UUID." },
        path: { schema: { type: "string" }, description: "The folder that the user is shown in." },
    },
    check: exactlyOneOf("username", "pk"),
    nameArgument: "username",
    namesLike: async (client, search) =>
        (await client.core.coreUsersList({ search, includeGroups: false })).results.map(({ username }) => username),
    lookUp: async (client, args) => {
        const user =
            args.pk === undefined
                ? (await client.core.coreUsersList({ username: args.username as string })).results.find(
                      (candidate) => candidate.username === args.username,
                  )
                : await client.core.coreUsersRetrieve({ id: args.pk as number }).catch((error: unknown) => {
                      if (isNotFound(error)) return undefined;
                      throw error;
                  });
        if (!user) return undefined;
        return {
            id: String(user.pk),
            pk: user.pk,
            username: user.username,
            name: user.name,
            type: user.type ?? "internal",
            isActive: user.isActive ?? false,
            isSuperuser: user.isSuperuser,
            lastLogin: user.lastLogin?.toISOString() ?? "",
            dateJoined: user.dateJoined.toISOString(),
            groups: user.groups ?? [],
            email: user.email ?? "",
            avatar: user.avatar,
            attributes: JSON.stringify(user.attributes ?? {}),
            uid: user.uid,
            uuid: user.uuid,
            path: user.path ?? "",
        };
    },
};
