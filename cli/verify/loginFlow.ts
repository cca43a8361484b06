/**
 * A login flow for one user of a run, for a site whose own flow demands a second factor or something else that only a
 * person has. It asks for name and password at once, and logs in nobody else. It does not touch the site's own flows
 * (measured on Authentik 2026.5).
 */
import type { Client } from "../../clients/authentik/client";
import { FlowError } from "../../clients/authentik/flow";
import { outsideText } from "../../clients/outsideText";
import { notPossible } from "./outcome";

const USUAL_PASSWORD_STAGE = "default-authentication-password";
/** How long the session lasts in which a key is made. */
const SESSION_DURATION = "minutes=5";

/**
 * What a login asked for, if only a person has it; undefined if the login failed for another reason. A denial counts as
 * a second factor: if there is none and none may be enrolled, Authentik says no more than that.
 */
export function demandedBy(error: unknown): string | undefined {
    if (!(error instanceof FlowError)) return undefined;
    const { component = "", isForPersons } = error;
    if (component === "ak-stage-access-denied") return "a second factor";
    // A separate login flow does not help with a later flow.
    if (!isForPersons) return undefined;
    return component.startsWith("ak-stage-authenticator-") ? "a second factor" : `a person (${outsideText(component)})`;
}

/**
 * @param name slug of the flow, and part of the names of everything that belongs to it
 * @returns the flow's slug
 */
export async function makeLoginFlow(client: Client, name: string, username: string): Promise<string> {
    const { flows, stages, policies } = client;
    const { results } = await client.reading(() => stages.stagesPasswordList({}));
    const password = results.find((stage) => stage.name === USUAL_PASSWORD_STAGE) ?? results[0];
    if (!password)
        throw notPossible(
            "The site's login flow asks for what only a person has, and Authentik shows no stage that checks passwords, " +
                "for a flow of this run's own.",
        );

    const flow = await client.writing(() =>
        flows.flowsInstancesCreate({
            flowRequest: {
                name,
                slug: name,
                title: name,
                designation: "authentication",
                authentication: "require_unauthenticated",
            },
        }),
    );
    const identification = await stages.stagesIdentificationCreate({
        identificationStageRequest: {
            name: `${name}-identification`,
            userFields: ["username"],
            passwordStage: password.pk,
        },
    });
    const login = await stages.stagesUserLoginCreate({
        userLoginStageRequest: { name: `${name}-user-login`, sessionDuration: SESSION_DURATION },
    });
    const only = await policies.policiesExpressionCreate({
        expressionPolicyRequest: {
            name: `${name}-only`,
            expression: `return request.context["pending_user"].username == ${JSON.stringify(username)}`,
        },
    });
    // The user is known only when the stage is reached, not when the flow is planned.
    const binding = await flows.flowsBindingsCreate({
        flowStageBindingRequest: {
            target: flow.pk,
            stage: login.pk,
            order: 20,
            evaluateOnPlan: false,
            reEvaluatePolicies: true,
            policyEngineMode: "all",
        },
    });
    await policies.policiesBindingsCreate({
        policyBindingRequest: { target: binding.policybindingmodelPtrId, policy: only.pk, order: 0 },
    });
    // Last: until its guard exists, the flow identifies nobody.
    await flows.flowsBindingsCreate({
        flowStageBindingRequest: { target: flow.pk, stage: identification.pk, order: 10 },
    });
    return flow.slug;
}

/** Existing parts of such flows, by the beginning of their names; the flow first, because its bindings go with it. */
export async function loginFlowParts(
    client: Client,
    prefix: string,
): Promise<{ name: string; what: string; remove: () => Promise<unknown> }[]> {
    const { flows, stages, policies } = client;
    const search = prefix;
    const found = [
        ...(await client.reading(() => flows.flowsInstancesList({ search, pageSize: 100 }))).results.map(
            ({ slug }) => ({ name: slug, what: `flow ${slug}`, remove: () => flows.flowsInstancesDestroy({ slug }) }),
        ),
        ...(await stages.stagesIdentificationList({ search, pageSize: 100 })).results.map(({ pk, name }) => ({
            name,
            what: `stage ${name}`,
            remove: () => stages.stagesIdentificationDestroy({ stageUuid: pk }),
        })),
        ...(await stages.stagesUserLoginList({ search, pageSize: 100 })).results.map(({ pk, name }) => ({
            name,
            what: `stage ${name}`,
            remove: () => stages.stagesUserLoginDestroy({ stageUuid: pk }),
        })),
        ...(await policies.policiesExpressionList({ search, pageSize: 100 })).results.map(({ pk, name }) => ({
            name,
            what: `policy ${name}`,
            remove: () => policies.policiesExpressionDestroy({ policyUuid: pk }),
        })),
    ];
    // Authentik ignores unknown filters, so the result is checked.
    return found.filter(({ name }) => name.startsWith(prefix));
}
