import type { Fields } from "./apiSchema";
import { authenticate } from "./authentication";
import { flowPage } from "./flowPage";
import { consent, type FlowPlan, fulfillment, sessionEnd } from "./flowPlan";
import { defaultFlow, isApplicable, planFlow } from "./flowPlanner";
import { type Answer, json, notFoundPage, page, type Request, redirect } from "./http";
import { milliseconds, newHexadecimal, newUuid, timestamp } from "./identifiers";
import { launchUrl } from "./objects/applications";
import { defaultBackground } from "./objects/flowSummary";
import type { ObjectKind, World } from "./objects/kind";
import { stagePaths } from "./objects/stages";
import { avatar } from "./objects/summaries";
import type { OpenIdConnect } from "./openidConnect";
import { PolicyEngine } from "./policyEngine";
import { type Session, Sessions } from "./sessions";
import type { Stored } from "./stored";

// Authentik's way of carrying out a flow over HTTP, as measured on 2026.5.0-rc1: GET shows a challenge, POST answers it; an accepted
// answer is a redirect to the same URL, a refused one is the challenge again with `response_errors`, status 200 both.

/** One request to the executor, and what it finds. */
interface Run {
    readonly world: World;
    readonly openIdConnect: OpenIdConnect;
    readonly request: Request;
    readonly session: Session;
    readonly flow: Stored;
    /** The query of the page that shows the flow; `next` in it is where to go afterwards. */
    readonly pageQuery: URLSearchParams;
    plan: FlowPlan;
    loggedIn: boolean;
    loggedOut: boolean;
}

/** What a stage makes of a request. */
type Outcome =
    | { readonly challenge: Fields }
    | { readonly done: true }
    /** Access denied; "Unknown error" unless there is a message. */
    | { readonly denied: string | undefined };

const done: Outcome = { done: true };

/** Answers /api/v3/flows/executor/{slug}/. */
export async function executeFlow(world: World, openIdConnect: OpenIdConnect, request: Request): Promise<Answer> {
    const slug = /^\/api\/v3\/flows\/executor\/([^/]+)\/$/.exec(request.path)?.[1];
    const flow = slug === undefined ? undefined : world.store.find("flows/instances", "slug", decodeURIComponent(slug));
    if (!flow) return notFoundPage();
    const answer = await execute(world, openIdConnect, request, flow);
    return answer.status === 200
        ? { ...answer, headers: { Allow: "GET, POST, HEAD, OPTIONS", ...answer.headers } }
        : answer;
}

async function execute(world: World, openIdConnect: OpenIdConnect, request: Request, flow: Stored): Promise<Answer> {
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
    const failed = () => respond(run, { component: "ak-stage-flow-error", request_id: newHexadecimal(32) });
    if (request.method !== "GET" && request.method !== "POST") return failed();
    if (request.method === "POST" && user && !Sessions.carriesCsrfToken(request, session)) return failed();
    const body = bodyOf(request);
    if (body === undefined) return failed();
    const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
    let outcome = await runStep(run, step, isObject ? (body as Fields) : {});
    if (!isObject && "challenge" in outcome) {
        const [string, code] =
            body === null ? ["No data provided", "null"] : ["Invalid data. Expected a dictionary.", "invalid"];
        outcome = { challenge: { ...outcome.challenge, response_errors: { non_field_errors: [{ string, code }] } } };
    }
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

/** The JSON of a request; undefined where it is none, a form for instance. */
function bodyOf(request: Request): unknown {
    if (!request.body.length) return {};
    if (!request.headers["content-type"]?.startsWith("application/json")) return undefined;
    try {
        return JSON.parse(request.body.toString("utf8"));
    } catch {
        return undefined;
    }
}

function userOf(world: World, session: Session): Stored | undefined {
    return session.user === undefined ? undefined : world.store.get("core/users", session.user);
}

function notApplicable(run: Run, user: Stored | undefined): Answer {
    // Whoever is logged in already goes on to where they wanted.
    if (run.flow.designation === "authentication" && user) return flowDone(run);
    // The executor's own parameter counts here, not the one of the page that shows the flow.
    const next = run.request.query.get("next");
    if (run.flow.denied_action !== "message" && next && !isAbsolute(next)) return respond(run, redirection(next));
    if (run.flow.denied_action === "continue") return respond(run, redirection("/"));
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

async function runStep(run: Run, step: string, body: Fields): Promise<Outcome> {
    const { world, plan } = run;
    if (step === fulfillment) {
        const location = await run.openIdConnect.issueCode(run.request, run.session, plan.authorization ?? {});
        delete run.session.plan;
        return { challenge: redirection(location) };
    }
    if (step === consent) return askConsent(run, { pk: consent, mode: "always_require" }, body);
    if (step === sessionEnd) return endOfSession(run);
    const key = world.store.get("flows/bindings", step)?.stage ?? step;
    const found = world.store.getAmong(stagePaths, key);
    if (!found) return { denied: undefined };
    const view = stageViews[found.kind.path];
    if (!view) throw new Error(`the stand-in carries out no stage of the kind ${found.kind.path}`);
    return view(run, found.object, body, found.kind);
}

const stageViews: Record<string, (run: Run, stage: Stored, body: Fields, kind: ObjectKind) => Outcome> = {
    "stages/identification": identify,
    "stages/password": askPassword,
    "stages/authenticator/validate": validateSecondFactor,
    "stages/authenticator/totp": setUpTotp,
    "stages/user_login": logIn,
    "stages/user_logout": logOut,
    "stages/consent": askConsent,
};

function identify(run: Run, stage: Stored, body: Fields): Outcome {
    const { world, plan } = run;
    const application =
        plan.application === undefined ? undefined : world.store.get("core/applications", plan.application);
    const provider = application ? world.store.get("providers/oauth2", application.provider) : undefined;
    const challenge = (errors?: Fields): Outcome => ({
        challenge: {
            ...frame(run),
            component: "ak-stage-identification",
            ...(errors ? { response_errors: errors } : {}),
            user_fields: stage.user_fields,
            pending_user_identifier: plan.pendingUserIdentifier ?? null,
            password_fields: stage.password_stage !== null,
            allow_show_password: false,
            ...(application
                ? {
                      application_pre: application.name,
                      application_pre_launch: launchUrl(application, provider) ?? undefined,
                  }
                : {}),
            flow_designation: run.flow.designation,
            captcha_stage: null,
            primary_action: run.flow.designation === "authentication" ? "Log in" : "Continue",
            sources: [],
            show_source_labels: stage.show_source_labels,
            enable_remember_me: stage.enable_remember_me,
            passkey_challenge: null,
        },
    });
    const refused = (message: string) => challenge({ non_field_errors: [{ string: message, code: "invalid" }] });
    if (run.request.method === "GET") return challenge();
    if (typeof body.uid_field === "object" && body.uid_field !== null) {
        return challenge({ uid_field: [{ string: "Not a valid string.", code: "invalid" }] });
    }
    const identifier = String(body.uid_field ?? "").trim();
    if (identifier === "") return refused("No identification data provided.");
    const user = findUser(world, stage, identifier);
    plan.pendingUser = user ? { pk: user.pk as number, username: user.username as string } : { username: identifier };
    if (stage.show_matched_user !== true) plan.pendingUserIdentifier = identifier;
    if (!user)
        return stage.pretend_user_exists === true && stage.password_stage === null
            ? done
            : refused("Failed to authenticate.");
    if (stage.password_stage === null) return done;
    const passwordStage = world.store.get("stages/password", stage.password_stage) as Stored;
    const authenticated = authenticate(
        world,
        passwordStage.backends as string[],
        user.username as string,
        body.password,
    );
    if (!authenticated) return refused("Failed to authenticate.");
    plan.method = authenticated.method;
    return done;
}

function findUser(world: World, stage: Stored, identifier: string): Stored | undefined {
    const same = (value: unknown) =>
        typeof value === "string" &&
        (stage.case_insensitive_matching === true
            ? value.toLowerCase() === identifier.toLowerCase()
            : value === identifier);
    return world.store
        .all("core/users")
        .find((user) =>
            (stage.user_fields as string[]).some((field) =>
                same(field === "upn" ? (user.attributes as Fields).upn : user[field]),
            ),
        );
}

function askPassword(run: Run, stage: Stored, body: Fields): Outcome {
    const { plan } = run;
    const challenge = (errors?: Fields): Outcome => ({
        challenge: {
            ...withUser(run, { component: "ak-stage-password" }),
            ...(errors ? { response_errors: errors } : {}),
            allow_show_password: stage.allow_show_password,
        },
    });
    if (run.request.method === "GET") return challenge();
    if (!plan.pendingUser) return { denied: undefined };
    if (body.password === undefined)
        return challenge({ password: [{ string: "This field is required.", code: "required" }] });
    if (body.password === null)
        return challenge({ password: [{ string: "This field may not be null.", code: "null" }] });
    if (body.password === "")
        return challenge({ password: [{ string: "This field may not be blank.", code: "blank" }] });
    const authenticated = authenticate(run.world, stage.backends as string[], plan.pendingUser.username, body.password);
    if (!authenticated) {
        plan.failedAttempts = (plan.failedAttempts ?? 0) + 1;
        if (plan.failedAttempts >= (stage.failed_attempts_before_cancel as number))
            return { denied: "Invalid password" };
        return challenge({ password: [{ string: "Invalid password", code: "invalid" }] });
    }
    plan.method = authenticated.method;
    return done;
}

/** The second factor. No user of the stand-in has a device, so what counts is what happens to one without. */
function validateSecondFactor(run: Run, stage: Stored): Outcome {
    if (stage.not_configured_action === "skip") return done;
    const setups = stage.configuration_stages as string[];
    if (stage.not_configured_action === "deny" || !setups.length) return { denied: undefined };
    run.plan.steps.splice(1, 0, setups[0] as string);
    return done;
}

function setUpTotp(run: Run): Outcome {
    const account = encodeURIComponent(`authentik:${run.plan.pendingUser?.username ?? ""}`);
    const challenge = {
        ...withUser(run, { component: "ak-stage-authenticator-totp" }),
        config_url: `otpauth://totp/${account}?secret=${"A".repeat(32)}&algorithm=SHA1&digits=6&period=30&issuer=authentik`,
    };
    if (run.request.method === "GET") return { challenge };
    return {
        challenge: { ...challenge, response_errors: { code: [{ string: "Code does not match", code: "invalid" }] } },
    };
}

function logIn(run: Run, stage: Stored, body: Fields): Outcome {
    const { world, plan, session } = run;
    const rememberable = (milliseconds(stage.remember_me_offset as string) ?? 0) > 0;
    if (rememberable) {
        const challenge = withUser(run, { component: "ak-stage-user-login" });
        if (run.request.method === "GET") return { challenge };
        if (typeof body.remember_me !== "boolean") {
            const [message, code] =
                body.remember_me === undefined
                    ? ["This field is required.", "required"]
                    : ["Must be a valid boolean.", "invalid"];
            return { challenge: { ...challenge, response_errors: { remember_me: [{ string: message, code }] } } };
        }
    }
    const user = plan.pendingUser?.pk === undefined ? undefined : world.store.get("core/users", plan.pendingUser.pk);
    if (user?.is_active !== true) return { denied: undefined };
    const duration =
        (milliseconds(stage.session_duration as string) ?? 0) +
        (body.remember_me === true ? (milliseconds(stage.remember_me_offset as string) ?? 0) : 0);
    world.sessions.logIn(session, user.pk as number, plan.method, duration);
    if (stage.terminate_other_sessions === true) world.sessions.endOthersOf(session);
    world.store.update(user, { last_login: timestamp() });
    run.loggedIn = true;
    return done;
}

function logOut(run: Run): Outcome {
    if (run.session.user === undefined) return done;
    run.world.sessions.end(run.session);
    delete run.session.user;
    run.loggedOut = true;
    return done;
}

function askConsent(run: Run, stage: Stored, body: Fields): Outcome {
    const { plan, session } = run;
    if (session.user === undefined) return { denied: undefined };
    const remembered = stage.mode !== "always_require" && plan.application !== undefined;
    if (remembered && plan.application !== undefined && run.openIdConnect.hasConsented(session.user, plan.application))
        return done;
    const application = run.world.store.get("core/applications", plan.application);
    const challenge = (errors?: Fields): Outcome => {
        plan.consentToken = newUuid();
        return {
            challenge: {
                ...withUser(run, { component: "ak-stage-consent" }),
                ...(errors ? { response_errors: errors } : {}),
                ...(application ? { header_text: `You're about to sign into ${String(application.name)}.` } : {}),
                permissions: run.openIdConnect.scopeDescriptions(plan.authorization ?? {}),
                additional_permissions: [],
                token: plan.consentToken,
            },
        };
    };
    if (run.request.method === "GET") return challenge();
    if (body.token === undefined)
        return challenge({ token: [{ string: "This field is required.", code: "required" }] });
    if (body.token !== plan.consentToken) {
        return challenge({ token: [{ string: "Invalid consent token, re-showing prompt", code: "invalid" }] });
    }
    if (remembered) {
        const lifetime = stage.mode === "permanent" ? Infinity : (milliseconds(stage.consent_expire_in as string) ?? 0);
        run.openIdConnect.rememberConsent(session.user, plan.application as string, lifetime);
    }
    return done;
}

function endOfSession(run: Run): Outcome {
    if (run.session.user === undefined) return { challenge: redirection("/") };
    const { world, plan } = run;
    const application =
        plan.application === undefined ? undefined : world.store.get("core/applications", plan.application);
    const provider = application ? world.store.get("providers/oauth2", application.provider) : undefined;
    return {
        challenge: {
            ...withUser(run, { component: "ak-stage-session-end" }),
            ...(application
                ? {
                      application_name: application.name,
                      application_launch_url: launchUrl(application, provider) ?? undefined,
                  }
                : {}),
            invalidation_flow_url: "/if/flow/default-invalidation-flow/",
            brand_name: "authentik",
        },
    };
}

function flowDone(run: Run): Answer {
    const next = run.pageQuery.get("next") ?? "/";
    delete run.session.plan;
    if (next !== "" && !/[/.]/.test(next))
        return respond(run, { component: "ak-stage-flow-error", request_id: newHexadecimal(32) });
    if (next === "" || isAbsolute(next)) {
        run.pageQuery.delete("next");
        return respond(run, withUser(run, { component: "ak-stage-access-denied", error_message: "Invalid next URL" }));
    }
    return respond(run, redirection(next));
}

const isAbsolute = (url: string): boolean => /^([a-z][a-z0-9+.-]*:)?\/\//i.test(url);

function redirection(to: string): Fields {
    return { component: "xak-flow-redirect", to };
}

/** What every stage's challenge shows of its flow. */
function frame(run: Run): Fields {
    const next = run.pageQuery.get("next");
    const application =
        run.plan.application === undefined ? undefined : run.world.store.get("core/applications", run.plan.application);
    return {
        flow_info: {
            title: run.session.plan
                ? (run.flow.title as string).replace("%(app)s", String(application?.name ?? "")).trim()
                : run.flow.title,
            background: run.flow.background === "" ? defaultBackground : run.flow.background,
            background_themed_urls: null,
            cancel_url: `/flows/-/cancel/${next ? `?${new URLSearchParams({ next }).toString()}` : ""}`,
            layout: run.flow.layout,
        },
    };
}

function withUser(run: Run, challenge: Fields): Fields {
    const user = userOf(run.world, run.session);
    const pending =
        run.plan.pendingUserIdentifier ??
        run.plan.pendingUser?.username ??
        (user?.username as string | undefined) ??
        "";
    return { ...frame(run), ...challenge, pending_user: pending, pending_user_avatar: avatar };
}

const challengeSchemas: Record<string, string> = {
    "ak-stage-access-denied": "AccessDeniedChallenge",
    "ak-stage-authenticator-totp": "AuthenticatorTOTPChallenge",
    "ak-stage-consent": "ConsentChallenge",
    "ak-stage-flow-error": "FlowErrorChallenge",
    "ak-stage-identification": "IdentificationChallenge",
    "ak-stage-password": "PasswordChallenge",
    "ak-stage-session-end": "SessionEndChallenge",
    "ak-stage-user-login": "UserLoginChallenge",
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

/** The pages around the executor: what a browser is sent to, and the redirects between them. Undefined for any other path. */
export function answerFlowPages(world: World, request: Request): Answer | undefined {
    const session = world.sessions.of(request);
    const user = session && userOf(world, session);
    const slug = /^\/if\/flow\/([^/]+)\/$/.exec(request.path)?.[1];
    if (slug !== undefined) {
        const flow = world.store.find("flows/instances", "slug", decodeURIComponent(slug));
        if (!flow) return notFoundPage();
        return flowPage(slug, String(flow.title));
    }
    switch (request.path) {
        case "/":
            return redirect(user ? "/if/user/" : "/flows/-/default/authentication/?next=/");
        case "/if/user/":
        case "/if/admin/":
            if (user && user.type !== "internal") return page(200, { title: "Permission denied - authentik" });
            return page(200, {});
        case "/flows/-/default/authentication/":
        case "/flows/-/default/invalidation/": {
            const designation = request.path.includes("invalidation") ? "invalidation" : "authentication";
            const flow = defaultFlow(world, designation, user);
            if (!flow) return notFoundPage();
            const query = request.query.toString();
            return redirect(`/if/flow/${flow.slug as string}/${query ? `?${query}` : ""}`);
        }
        case "/flows/-/cancel/": {
            if (session) delete session.plan;
            const next = request.query.get("next");
            return redirect(next && !isAbsolute(next) ? next : "/flows/-/default/invalidation/");
        }
        default:
            return undefined;
    }
}
