import type { UserLoginStage, UserLoginStageRequest } from "@goauthentik/api";
import type { ResourceDefinition } from "../definition";
import { boolean, duration, oneOf, text } from "../propertyTypes";

export const stageUserLogin: ResourceDefinition<UserLoginStage, UserLoginStageRequest> = {
    token: "authentik:index/stageUserLogin:StageUserLogin",
    noun: "user-login stage",
    description: "A stage that logs the user in.",
    properties: {
        name: { type: text, autonamed: true, description: "The stage's name. No two stages have the same." },
        sessionDuration: {
            type: duration,
            default: "seconds=0",
            description: "How long a session lasts; `seconds=0`: until the browser is closed.",
        },
        rememberMeOffset: {
            type: duration,
            default: "seconds=0",
            description: "How much longer for who asks to stay logged in; `seconds=0`: nobody is asked.",
        },
        rememberDevice: { type: duration, default: "days=30", description: "How long the device is remembered." },
        terminateOtherSessions: {
            type: boolean,
            default: false,
            description: "Whether the user's other sessions end.",
        },
        networkBinding: {
            type: oneOf("no_binding", "bind_asn", "bind_asn_network", "bind_asn_network_ip"),
            default: "no_binding",
            description: "What of the network a session stays bound to.",
        },
        geoipBinding: {
            type: oneOf("no_binding", "bind_continent", "bind_continent_country", "bind_continent_country_city"),
            default: "no_binding",
            description: "What of the place a session stays bound to.",
        },
    },
    idOutput: "stageUserLoginId",
    idOf: (answer) => answer.pk,
    idHelp: "Its id is the UUID that the API lists under /stages/user_login/?name=.",
    permission: { app: "authentik_stages_user_login", model: "userloginstage" },
    keyProperty: "name",
    label: (inputs) => String(inputs.name ?? inputs.stageUserLoginId ?? ""),
    find: async (client, request) => {
        const { results } = await client.stages.stagesUserLoginList({ name: request.name });
        return results.filter((found) => found.name === request.name);
    },
    create: (client, request) => client.stages.stagesUserLoginCreate({ userLoginStageRequest: request }),
    read: (client, id) => client.stages.stagesUserLoginRetrieve({ stageUuid: id }),
    update: (client, id, changes) =>
        client.stages.stagesUserLoginPartialUpdate({ stageUuid: id, patchedUserLoginStageRequest: changes }),
    delete: (client, id) => client.stages.stagesUserLoginDestroy({ stageUuid: id }),
};
