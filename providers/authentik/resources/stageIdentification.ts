import type { IdentificationStage, IdentificationStageRequest } from "@goauthentik/api";
import type { ResourceDefinition } from "../definition";
import { boolean, listOfOneOf, reference, text, textList } from "../propertyTypes";

export const stageIdentification: ResourceDefinition<IdentificationStage, IdentificationStageRequest> = {
    token: "authentik:index/stageIdentification:StageIdentification",
    noun: "identification stage",
    description: "A stage that asks who wants to log in, and with `passwordStage` for the password at the same time.",
    properties: {
        name: { type: text, autonamed: true, description: "The stage's name. No two stages have the same." },
        userFields: {
            type: listOfOneOf("email", "username", "upn"),
            description: "What users may call themselves by.",
        },
        passwordStage: { type: reference, description: "Id of the password stage to take in." },
        captchaStage: { type: reference, description: "Id of the captcha stage to take in." },
        webauthnStage: {
            type: reference,
            since: "2025.12",
            description: "Id of the WebAuthn stage that offers passkeys here.",
        },
        caseInsensitiveMatching: { type: boolean, default: false, description: "Whether capitals count for nothing." },
        showMatchedUser: { type: boolean, default: true, description: "Whether the user that was found is shown." },
        pretendUserExists: {
            type: boolean,
            default: true,
            description: "Whether it goes on although nobody was found.",
        },
        showSourceLabels: { type: boolean, default: false, description: "Whether sources are shown with their names." },
        enableRememberMe: {
            type: boolean,
            default: false,
            description: "Whether the user's name may be remembered on the device.",
        },
        enrollmentFlow: { type: reference, description: "Id of the flow to join by." },
        recoveryFlow: { type: reference, description: "Id of the flow to recover by." },
        passwordlessFlow: { type: reference, description: "Id of the flow to log in by without a password." },
        sources: { type: textList, description: "Ids of the sources that are offered." },
    },
    idOutput: "stageIdentificationId",
    idOf: (answer) => answer.pk,
    idHelp: "Its id is the UUID that the API lists under /stages/identification/?name=.",
    permission: { app: "authentik_stages_identification", model: "identificationstage" },
    keyProperty: "name",
    label: (inputs) => String(inputs.name ?? inputs.stageIdentificationId ?? ""),
    find: async (client, request) => {
        const { results } = await client.stages.stagesIdentificationList({ name: request.name });
        return results.filter((found) => found.name === request.name);
    },
    create: (client, request) => client.stages.stagesIdentificationCreate({ identificationStageRequest: request }),
    read: (client, id) => client.stages.stagesIdentificationRetrieve({ stageUuid: id }),
    update: (client, id, changes) =>
        client.stages.stagesIdentificationPartialUpdate({ stageUuid: id, patchedIdentificationStageRequest: changes }),
    delete: (client, id) => client.stages.stagesIdentificationDestroy({ stageUuid: id }),
};
