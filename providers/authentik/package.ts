/** The content of the package: the one list from which the provider, its schema and the SDK are made. */

import type { AnyResourceDefinition } from "./definition";
import type { FunctionDefinition } from "./function";
import { getCertificateKeyPair } from "./functions/getCertificateKeyPair";
import { getFlow } from "./functions/getFlow";
import { getGroup } from "./functions/getGroup";
import { getPropertyMappingProviderScope } from "./functions/getPropertyMappingProviderScope";
import { getStage } from "./functions/getStage";
import { getUser } from "./functions/getUser";
import { application } from "./resources/application";
import { flow } from "./resources/flow";
import { flowStageBinding } from "./resources/flowStageBinding";
import { group } from "./resources/group";
import { policyBinding } from "./resources/policyBinding";
import { policyExpression } from "./resources/policyExpression";
import { providerOauth2 } from "./resources/providerOauth2";
import { stageIdentification } from "./resources/stageIdentification";
import { stageUserLogin } from "./resources/stageUserLogin";
import { user } from "./resources/user";

export const packageName = "authentik";
/** The version of the bridged package that this one is compatible with. */
export const packageVersion = "2026.5.0";

export const resources: readonly AnyResourceDefinition[] = [
    application,
    flow,
    flowStageBinding,
    group,
    policyBinding,
    policyExpression,
    providerOauth2,
    stageIdentification,
    stageUserLogin,
    user,
];

export const functions: readonly FunctionDefinition[] = [
    getCertificateKeyPair,
    getFlow,
    getGroup,
    getPropertyMappingProviderScope,
    getStage,
    getUser,
];
