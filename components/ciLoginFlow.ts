/**
 * A login flow that only CI's service account passes, for a site whose default flow demands a second factor.
 *
 * The provider does not use it as its authentication flow: that would drop the second factor for admins too.
 */
import * as authentik from "@pulumi/authentik";
import * as pulumi from "@pulumi/pulumi";
import type { Kind } from "../clients/authentik/objects";
import { ciLoginFlowParts } from "./ciLoginFlowNames";
import type { IdentityPreflight } from "./identityPreflight";
import { FIRST_WORKLOAD } from "./settings";
import { componentTypes } from "./typeTokens";

export interface CiLoginFlowArgs {
    /** The service account's user name. */
    ciUser: string;
    /** The identity of CI that the account belongs to. Default: the first one. */
    workload?: string;
    /** Id of the stage that checks passwords. */
    passwordStage: string;
    /** Checks whether the names are free. Default: no check. */
    preflight?: IdentityPreflight;
    /** What all resources of the flow depend on. Default: nothing. */
    after?: pulumi.Input<pulumi.Resource>[];
}

/** How long the session lasts in which the key is minted. */
const SESSION_DURATION = "minutes=5";

export class CiLoginFlow extends pulumi.ComponentResource {
    /** The flow's slug; a login names it to use the flow. */
    public readonly slug: string;

    constructor(name: string, args: CiLoginFlowArgs, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.ciLoginFlow, name, {}, opts);
        const { after = [], workload = FIRST_WORKLOAD } = args;
        const parent = { parent: this, dependsOn: after };
        const names = ciLoginFlowParts(args.ciUser);
        this.slug = names.slug;
        const isFree = (kind: Kind) => ({ ...parent, hooks: args.preflight?.beforeCreateFor(workload, kind) });

        const flow = new authentik.Flow(
            name,
            {
                name: this.slug,
                title: `Log in as ${args.ciUser}`,
                slug: this.slug,
                designation: "authentication",
                authentication: "require_unauthenticated",
            },
            isFree("flow"),
        );
        // User name and password in one step and no further stage, so there is nothing to enrol.
        const identification = new authentik.StageIdentification(
            name,
            { name: names.identification, userFields: ["username"], passwordStage: args.passwordStage },
            isFree("stage"),
        );
        const login = new authentik.StageUserLogin(
            name,
            { name: names.login, sessionDuration: SESSION_DURATION },
            isFree("stage"),
        );
        const onlyCi = new authentik.PolicyExpression(
            name,
            { name: names.policy, expression: onlyUser(args.ciUser) },
            isFree("expression policy"),
        );

        const loginBinding = new authentik.FlowStageBinding(
            `${name}-login`,
            // The user is known only when the stage is reached, not when the flow is planned.
            {
                target: flow.uuid,
                stage: login.id,
                order: 20,
                evaluateOnPlan: false,
                reEvaluatePolicies: true,
                policyEngineMode: "all",
            },
            parent,
        );
        const guard = new authentik.PolicyBinding(
            name,
            { target: loginBinding.id, policy: onlyCi.id, order: 0 },
            parent,
        );
        // Created last and deleted first: without this binding nobody is identified, so the flow is never open
        // without its guard.
        new authentik.FlowStageBinding(
            `${name}-identification`,
            { target: flow.uuid, stage: identification.id, order: 10 },
            { ...parent, dependsOn: [...after, guard] },
        );

        this.registerOutputs({ slug: this.slug });
    }
}

/** A policy in Python, as Authentik evaluates it. JSON and Python quote every valid user name the same way. */
function onlyUser(username: string): string {
    return `return request.context["pending_user"].username == ${JSON.stringify(username)}`;
}
