/** The stages of a flow: what each asks, and what it makes of an answer. */

import type { Fields } from "./apiSchema";
import { authenticate } from "./authentication";
import type { FlowPlan } from "./flowPlan";
import type { Request } from "./http";
import { milliseconds, newUuid, timestamp } from "./identifiers";
import { defaultBackground } from "./objects/flowSummary";
import type { ObjectKind, World } from "./objects/kind";
import { avatar } from "./objects/summaries";
import type { OpenIdConnect } from "./openidConnect";
import type { Session } from "./sessions";
import type { Stored } from "./stored";

/** One request to the executor, and what it finds. */
export interface Run {
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
export type Outcome =
    | { readonly challenge: Fields }
    | { readonly done: true }
    /** Access denied; "Unknown error" unless there is a message. */
    | { readonly denied: string | undefined };

export const done: Outcome = { done: true };

export function userOf(world: World, session: Session): Stored | undefined {
    return session.user === undefined ? undefined : world.store.get("core/users", session.user);
}

export const stageViews: Record<string, (run: Run, stage: Stored, body: Fields, kind: ObjectKind) => Outcome> = {
    "stages/identification": identify,
    "stages/password": askPassword,
    "stages/authenticator/validate": validateSecondFactor,
    "stages/authenticator/totp": setUpTotp,
    "stages/user_login": logIn,
    "stages/user_logout": logOut,
    "stages/consent": askConsent,
};

export function identify(run: Run, stage: Stored, body: Fields): Outcome {
    const { world, plan } = run;
    const application =
        plan.application === undefined ? undefined : world.store.get("core/applications", plan.application);
    const challenge = (errors?: Fields): Outcome => ({
        challenge: {
            ...frame(run),
            component: "ak-stage-identification",
            ...(errors ? { response_errors: errors } : {}),
            user_fields: stage.user_fields,
            pending_user_identifier: null,
            password_fields: stage.password_stage !== null,
            allow_show_password: false,
            ...(application ? { application_pre: application.name } : {}),
            flow_designation: run.flow.designation,
            captcha_stage: null,
            primary_action: "Log in",
            sources: [],
            show_source_labels: stage.show_source_labels,
            enable_remember_me: stage.enable_remember_me,
            passkey_challenge: null,
        },
    });
    const refused = (message: string) => challenge({ non_field_errors: [{ string: message, code: "invalid" }] });
    if (run.request.method === "GET") return challenge();
    const identifier = String(body.uid_field ?? "").trim();
    const user = findUser(world, stage, identifier);
    plan.pendingUser = user ? { pk: user.pk as number, username: user.username as string } : { username: identifier };
    // Nobody is told here whether there is such a user.
    if (stage.password_stage === null) return done;
    const passwordStage = world.store.get("stages/password", stage.password_stage) as Stored;
    const authenticated = authenticate(world, passwordStage.backends as string[], identifier, body.password);
    if (!authenticated) return refused("Failed to authenticate.");
    plan.method = authenticated.method;
    return done;
}

function findUser(world: World, stage: Stored, identifier: string): Stored | undefined {
    const wanted = identifier.toLowerCase();
    return world.store
        .all("core/users")
        .find((user) => (stage.user_fields as string[]).some((field) => String(user[field]).toLowerCase() === wanted));
}

export function askPassword(run: Run, stage: Stored, body: Fields): Outcome {
    const { plan } = run;
    const challenge = (errors?: Fields): Outcome => ({
        challenge: {
            ...withUser(run, { component: "ak-stage-password" }),
            ...(errors ? { response_errors: errors } : {}),
            allow_show_password: stage.allow_show_password,
        },
    });
    if (run.request.method === "GET") return challenge();
    const username = plan.pendingUser?.username ?? "";
    const authenticated = authenticate(run.world, stage.backends as string[], username, body.password);
    if (!authenticated) return challenge({ password: [{ string: "Invalid password", code: "invalid" }] });
    plan.method = authenticated.method;
    return done;
}

/** The second factor. No user of the stand-in has a device, so what counts is what happens to one without. */
export function validateSecondFactor(run: Run, stage: Stored): Outcome {
    if (stage.not_configured_action === "skip") return done;
    const setups = stage.configuration_stages as string[];
    if (stage.not_configured_action === "deny" || !setups.length) return { denied: undefined };
    run.plan.steps.splice(1, 0, setups[0] as string);
    return done;
}

export function setUpTotp(run: Run): Outcome {
    const account = encodeURIComponent(`authentik:${run.plan.pendingUser?.username ?? ""}`);
    return {
        challenge: {
            ...withUser(run, { component: "ak-stage-authenticator-totp" }),
            config_url: `otpauth://totp/${account}?secret=${"A".repeat(32)}&algorithm=SHA1&digits=6&period=30&issuer=authentik`,
        },
    };
}

export function logIn(run: Run, stage: Stored): Outcome {
    const { world, plan, session } = run;
    const user = plan.pendingUser?.pk === undefined ? undefined : world.store.get("core/users", plan.pendingUser.pk);
    if (user?.is_active !== true) return { denied: undefined };
    const duration = milliseconds(stage.session_duration as string) ?? 0;
    world.sessions.logIn(session, user.pk as number, duration);
    world.store.update(user, { last_login: timestamp() });
    run.loggedIn = true;
    return done;
}

export function logOut(run: Run): Outcome {
    if (run.session.user === undefined) return done;
    run.world.sessions.end(run.session);
    delete run.session.user;
    run.loggedOut = true;
    return done;
}

export function askConsent(run: Run, stage: Stored, body: Fields): Outcome {
    const { plan, session } = run;
    if (session.user === undefined || plan.application === undefined) return { denied: undefined };
    if (run.openIdConnect.hasConsented(session.user, plan.application)) return done;
    if (body.token === undefined || body.token !== plan.consentToken) {
        plan.consentToken = newUuid();
        const asked = { component: "ak-stage-consent", permissions: [], additional_permissions: [] };
        return { challenge: { ...withUser(run, asked), token: plan.consentToken } };
    }
    const lifetime = milliseconds(stage.consent_expire_in as string) ?? 0;
    run.openIdConnect.rememberConsent(session.user, plan.application, lifetime);
    return done;
}

export function redirection(to: string): Fields {
    return { component: "xak-flow-redirect", to };
}

/** What every stage's challenge shows of its flow. */
export function frame(run: Run): Fields {
    const next = run.pageQuery.get("next");
    const application =
        run.plan.application === undefined ? undefined : run.world.store.get("core/applications", run.plan.application);
    return {
        flow_info: {
            title: (run.flow.title as string).replace("%(app)s", String(application?.name ?? "")).trim(),
            background: run.flow.background === "" ? defaultBackground : run.flow.background,
            background_themed_urls: null,
            cancel_url: `/flows/-/cancel/${next ? `?${new URLSearchParams({ next }).toString()}` : ""}`,
            layout: run.flow.layout,
        },
    };
}

export function withUser(run: Run, challenge: Fields): Fields {
    const user = userOf(run.world, run.session);
    const pending = run.plan.pendingUser?.username ?? (user?.username as string | undefined) ?? "";
    return { ...frame(run), ...challenge, pending_user: pending, pending_user_avatar: avatar };
}
