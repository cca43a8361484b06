import type { User, UserRequest } from "@goauthentik/api";
import { failureIn } from "../../../clients/authentik/failures";
import type { ResourceDefinition } from "../definition";
import { missingPermission } from "../errors";
import { boolean, json, oneOf, text, textList } from "../propertyTypes";
import { numericId } from "./numericId";

/** Does not use `/core/users/service_account/`, which ignores path, groups and user name (measured on 2026.5). */
export const user: ResourceDefinition<User, UserRequest> = {
    token: "authentik:index/user:User",
    noun: "user",
    description: "A user: a person or a service account.",
    properties: {
        username: { type: text, required: true, description: "The name to log in with. No two users have the same." },
        name: { type: text, autonamed: true, description: "The name that is shown." },
        type: {
            type: oneOf("internal", "external", "service_account", "internal_service_account"),
            default: "internal",
            description: "What kind of user it is.",
        },
        isActive: { type: boolean, default: true, description: "Whether the user may log in." },
        email: { type: text, description: "The e-mail address." },
        path: { type: text, default: "users", description: "The folder that the user is shown in." },
        groups: {
            type: textList,
            absent: "unmanaged",
            imported: true,
            description:
                "Ids of the groups that the user belongs to. " +
                "Left out, they are not managed here: a group's `users` says them instead. Never say both.",
        },
        roles: {
            type: textList,
            absent: "unmanaged",
            since: "2025.12",
            description: "Ids of the user's roles. Left out, they are not managed.",
        },
        attributes: { type: json, default: "{}", description: "Attributes of the user." },
    },
    ownProperties: {
        password: {
            type: text,
            secret: true,
            absent: "unmanaged",
            description: "The user's password. Authentik never tells it, so a change by hand is not seen.",
        },
    },
    idOutput: "userId",
    idOf: (answer) => String(answer.pk),
    ...numericId("under Directory > Users"),
    permission: { app: "authentik_core", model: "user" },
    keyProperty: "username",
    label: (inputs) => String(inputs.username ?? inputs.userId ?? ""),
    find: async (client, request) => {
        const { results } = await client.core.coreUsersList({ username: request.username, includeGroups: false });
        return results.filter((found) => found.username === request.username);
    },
    create: (client, request) => client.core.coreUsersCreate({ userRequest: request }),
    read: (client, id) => client.core.coreUsersRetrieve({ id: Number(id) }),
    update: (client, id, changes) =>
        client.core.coreUsersPartialUpdate({ id: Number(id), patchedUserRequest: changes }),
    delete: (client, id) => client.core.coreUsersDestroy({ id: Number(id) }),
    afterWrite: async (client, answer, inputs, changed) => {
        if (!changed.has("password") || typeof inputs.password !== "string" || inputs.password === "") return;
        const userPasswordSetRequest = { password: inputs.password };
        try {
            await client.repeating(() =>
                client.core.coreUsersSetPasswordCreate({ id: answer.pk, userPasswordSetRequest }),
            );
        } catch (error) {
            const failure = failureIn(error);
            throw failure?.kind === "forbidden"
                ? missingPermission(
                      client.url,
                      `set the password of the user "${answer.username}"`,
                      "authentik_core.reset_user_password",
                      failure,
                  )
                : error;
        }
    },
};
