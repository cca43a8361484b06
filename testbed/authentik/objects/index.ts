import { applications } from "./applications";
import { expressionPolicies } from "./expressionPolicies";
import { flowStageBindings, flows } from "./flows";
import { groups } from "./groups";
import type { ObjectKind } from "./kind";
import { blueprints, certificates, scopeMappings } from "./lookUps";
import { oauth2Providers } from "./oauth2Providers";
import { policyBindings } from "./policyBindings";
import { roles } from "./roles";
import { stages } from "./stages";
import { tokens } from "./tokens";
import { users } from "./users";

/** Every kind of object that the stand-in serves. The next one is a table in this folder and a line here. */
export const objectKinds: readonly ObjectKind[] = [
    groups,
    users,
    tokens,
    roles,
    oauth2Providers,
    applications,
    policyBindings,
    expressionPolicies,
    flows,
    flowStageBindings,
    ...stages,
    scopeMappings,
    certificates,
    blueprints,
];
