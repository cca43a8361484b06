import type { Fields } from "./apiSchema";
import { flowPage } from "./flowPage";
import { fulfillment } from "./flowPlan";
import { isApplicable, planFlow } from "./flowPlanner";
import { type Outcome, type Run, redirection, stageViews, userOf, withUser } from "./flowStages";
import { type Answer, json, notFoundPage, type Request, redirect } from "./http";
import { newHexadecimal } from "./identifiers";
import type { World } from "./objects/kind";
import { stagePaths } from "./objects/stages";
import type { OpenIdConnect } from "./openidConnect";
import { PolicyEngine } from "./policyEngine";
import { Sessions } from "./sessions";
import type { Stored } from "./stored";

// Authentik's way of carrying out a flow over HTTP, as measured on 2026.5.0-rc1: GET shows a challenge, POST answers
// it; an accepted answer is a redirect to the same URL, a refused one is the challenge again with `response_errors`,
// status 200 both.

/** Answers /api/v3/flows/executor/{slug}/. */
export function executeFlow(world: World, openIdConnect: OpenIdConnect, request: Request): Answer {
    const slug = /^\/api\/v3\/flows\/executor\/([^/]+)\/$/.exec(request.path)?.[1];
    const flow = slug === undefined ? undefined : world.store.find("flows/instances", "slug", decodeURIComponent(slug));
    if (!flow) return notFoundPage();
    const answer = execute(world, openIdConnect, request, flow);
    return answer.status === 200
        ? { ...answer, headers: { Allow: "GET, POST, HEAD, OPTIONS", ...answer.headers } }
        : answer;
}

function execute(world: World, openIdConnect: OpenIdConnect, request: Request, flow: Stored): Answer {
    const session = world.sessions.of(request) ?? world.sessions.create();
    const user = userOf(world, session);
    const run: Run = {
        world,
        openIdConnect,
        request,
        session,
        flow,
        pageQuery: new URLSearchParams(request.query.get("query") ?? ""),
        plan: { flow: flow.pk as string, steps: [] },
        loggedIn: false,
        loggedOut: false,
    };
    if (session.plan && session.plan.flow !== flow.pk) delete session.plan;
    if (session.plan) {
        run.plan = session.plan;
    } else {
        if (!isApplicable(world, flow, user)) return notApplicable(run, user);
        run.plan = planFlow(world, flow, user);
        session.plan = run.plan;
    }
    dropRefusedSteps(run, user);
    const step = run.plan.steps[0];
    if (step === undefined) return flowDone(run);
    // What the executor does not expect is no HTTP error.
    if (request.method === "POST" && user && !Sessions.carriesCsrfToken(request, session))
        return respond(run, { component: "ak-stage-flow-error", request_id: newHexadecimal(32) });
    const body = request.body.length ? (JSON.parse(request.body.toString("utf8")) as Fields) : {};
    const outcome = runStep(run, step, body);
    if ("challenge" in outcome) return respond(run, outcome.challenge);
    if ("denied" in outcome) {
        delete session.plan;
        return respond(
            run,
            withUser(run, { component: "ak-stage-access-denied", error_message: outcome.denied ?? "Unknown error" }),
        );
    }
    run.plan.steps.shift();
    if (!run.plan.steps.length) return flowDone(run);
    return redirect(`${request.path}${request.search}`, { cookies: cookies(run) });
}

function notApplicable(run: Run, user: Stored | undefined): Answer {
    // A user who is already logged in continues to the requested page.
    if (run.flow.designation === "authentication" && user) return flowDone(run);
    return respond(
        run,
        withUser(run, { component: "ak-stage-access-denied", error_message: "Flow does not apply to current user." }),
    );
}

/** Takes out the stages that their policies refuse now, where a binding asks for that to be looked at again. */
function dropRefusedSteps(run: Run, user: Stored | undefined): void {
    const { world, plan } = run;
    while (plan.steps.length) {
        const binding = world.store.get("flows/bindings", plan.steps[0]);
        if (binding?.re_evaluate_policies !== true) return;
        const pending =
            plan.pendingUser?.pk === undefined ? undefined : world.store.get("core/users", plan.pendingUser.pk);
        const passes = new PolicyEngine(world, binding).passes(pending ?? user, {
            pendingUsername: plan.pendingUser?.username,
            authenticated: plan.method !== undefined,
            inFlow: true,
        });
        if (passes) return;
        plan.steps.shift();
    }
}

function runStep(run: Run, step: string, body: Fields): Outcome {
    const { world, plan } = run;
    if (step === fulfillment) {
        const location = run.openIdConnect.issueCode(run.session, plan.authorization ?? {});
        delete run.session.plan;
        return { challenge: redirection(location) };
    }
    const key = world.store.get("flows/bindings", step)?.stage ?? step;
    const found = world.store.getAmong(stagePaths, key);
    if (!found) return { denied: undefined };
    const view = stageViews[found.kind.path];
    if (!view) throw new Error(`the stand-in carries out no stage of the kind ${found.kind.path}`);
    return view(run, found.object, body, found.kind);
}

function flowDone(run: Run): Answer {
    const next = run.pageQuery.get("next") ?? "/";
    delete run.session.plan;
    return respond(run, redirection(next));
}

const challengeSchemas: Record<string, string> = {
    "ak-stage-access-denied": "AccessDeniedChallenge",
    "ak-stage-authenticator-totp": "AuthenticatorTOTPChallenge",
    "ak-stage-consent": "ConsentChallenge",
    "ak-stage-flow-error": "FlowErrorChallenge",
    "ak-stage-identification": "IdentificationChallenge",
    "ak-stage-password": "PasswordChallenge",
    "xak-flow-redirect": "RedirectChallenge",
};

function respond(run: Run, challenge: Fields): Answer {
    const name = challengeSchemas[challenge.component as string];
    const shown = JSON.parse(JSON.stringify(challenge)) as Fields;
    const errors = run.world.schema.errors({ $ref: `#/components/schemas/${name}` }, shown);
    if (errors.length) {
        const first = errors.slice(0, 3).map((error) => `${error.instancePath} ${error.message}`);
        throw new Error(`the stand-in's own challenge ${name} does not fit schema.yml: ${first.join("; ")}`);
    }
    return json(200, shown, { cookies: cookies(run) });
}

function cookies(run: Run): string[] {
    return run.world.sessions.cookies(run.request, run.session, { ended: run.loggedOut, loggedIn: run.loggedIn });
}

/** The page at which a browser carries out a flow. Undefined for any other path. */
export function answerFlowPages(world: World, request: Request): Answer | undefined {
    const slug = /^\/if\/flow\/([^/]+)\/$/.exec(request.path)?.[1];
    if (slug === undefined) return undefined;
    const flow = world.store.find("flows/instances", "slug", decodeURIComponent(slug));
    return flow ? flowPage(slug, String(flow.title)) : notFoundPage();
}
