/**
 * A login to Authentik without a browser, through the flow executor.
 *
 * It answers only the challenges that a service account can answer. Any other challenge ends in an error that names it
 * (measured on Authentik 2026.5).
 */
import type { Browser } from "../http/browser";
import { UnreachableError } from "../http/failures";
import type { Answer } from "../http/request";
import { outsideText } from "../outsideText";
import { UserError } from "../userError";

export interface Credentials {
    username: string;
    password: string;
}

/** The stages that ask who the user is. A flow that reaches one of them has nobody logged in. */
const LOGIN_STAGES = new Set(["ak-stage-identification", "ak-stage-password"]);

/** A flow that could not be passed; the message names the component and the remedy. */
export class FlowError extends UserError {
    constructor(
        message: string,
        /** The challenge at which the flow stopped, for example `ak-stage-authenticator-validate`. */
        readonly component: string | undefined,
        /** Whether the login flow asks for something that only a person has, so a separate login flow would help. */
        readonly isForPersons = false,
    ) {
        super(message);
    }
}

interface Challenge {
    component: string;
    to?: string;
    token?: string;
    password_fields?: boolean;
    captcha_stage?: unknown;
    error_message?: string;
    response_errors?: Record<string, { string: string; code: string }[]>;
}

/** The remedy if a service account does not pass a flow that is made for people. */
const OWN_FLOW =
    "Give the service account a login flow of its own: pulumi config set --path identity.ciLoginFlow dedicated";

/** The remedy if another flow stops a user who is already logged in. */
const OTHER_FLOW =
    "It is not the login flow. If it is the provider's authorization flow, let the account through there, or set another: " +
    "pulumi config set --path identity.authorizationFlow default-provider-authorization-implicit-consent";

/** A default flow has four stages, so twice as many answers are a loop. */
const MOST_CHALLENGES = 10;

/**
 * Runs a flow to its end, and returns the address that it redirects to.
 *
 * @param origin scheme, host and port of Authentik, for example `https://authentik.example.org`
 * @param flow slug of the flow
 * @param query the query of the page that led to the flow, without the question mark; empty if no page did
 * @param loggedInBy slug of the flow that has already logged the user in, if one has: then this one must not ask who
 *     the user is
 * @param isLogin whether this is the flow that logs in. Default: whether no other flow has
 * @throws FlowError if the flow cannot be passed, UnreachableError if Authentik does not answer or fails
 */
export async function passFlow(
    browser: Browser,
    origin: string,
    flow: string,
    query: string,
    credentials: Credentials,
    loggedInBy?: string,
    isLogin = loggedInBy === undefined,
): Promise<URL> {
    const remedy = isLogin ? OWN_FLOW : OTHER_FLOW;
    const executor = `${origin}/api/v3/flows/executor/${encodeURIComponent(flow)}/?query=${encodeURIComponent(query)}`;
    let answer = await browser.send(executor, { headers: { accept: "application/json" } });
    const answered = new Set<string>();
    for (let count = 0; count < MOST_CHALLENGES; count++) {
        answer = await followWithin(browser, answer);
        const challenge = challengeOf(answer, flow);
        if (challenge.component === "xak-flow-redirect") return new URL(challenge.to ?? "/", origin);
        if (loggedInBy !== undefined && LOGIN_STAGES.has(challenge.component)) {
            throw new FlowError(
                `The flow ${loggedInBy} ended, but ${credentials.username} is not logged in: ` +
                    "its user-login stage is missing, or the policy on that stage is for another user.",
                challenge.component,
            );
        }
        const reply = replyTo(challenge, credentials, flow, remedy);
        if (answered.has(challenge.component)) {
            throw new FlowError(
                `The flow ${flow} asks for ${outsideText(challenge.component)} again after it was answered; ` +
                    "look at its stages in Authentik.",
                challenge.component,
            );
        }
        answered.add(challenge.component);
        answer = await browser.send(executor, {
            method: "POST",
            json: reply,
            headers: { accept: "application/json", ...(await csrf(browser, executor)) },
        });
    }
    throw new FlowError(`The flow ${flow} did not end after ${MOST_CHALLENGES} challenges.`, undefined);
}

/**
 * Ends the session in Authentik; otherwise sessions would accumulate for a day. Never fails: a session also expires.
 */
export async function endSession(browser: Browser, origin: string): Promise<void> {
    try {
        const executor = `${origin}/api/v3/flows/executor/default-invalidation-flow/?query=`;
        await followWithin(browser, await browser.send(executor, { headers: { accept: "application/json" } }));
    } catch {
        // The session expires anyway.
    }
}

/** Follows redirects within the executor: it answers a reply with a redirect to itself. */
async function followWithin(browser: Browser, first: Answer): Promise<Answer> {
    let answer = first;
    for (let count = 0; answer.status >= 300 && answer.status < 400 && answer.location; count++) {
        if (count >= MOST_CHALLENGES || answer.location.origin !== answer.url.origin) break;
        answer = await browser.send(answer.location, { headers: { accept: "application/json" } });
    }
    return answer;
}

function challengeOf(answer: Answer, flow: string): Challenge {
    if (answer.status >= 500)
        throw new UnreachableError(
            `Authentik at ${answer.url.origin} answered ${answer.status} in the flow ${flow}; its log says why.`,
        );
    if (answer.status === 404)
        throw new FlowError(`Authentik has no flow ${flow}; correct its slug, or create it.`, undefined);
    try {
        const challenge = JSON.parse(answer.text) as Challenge;
        if (typeof challenge.component === "string") return challenge;
    } catch {
        // Reported below, with what came instead.
    }
    throw new FlowError(
        `Authentik's flow executor answered ${answer.status} without a challenge for the flow ${flow}; ` +
            `is ${answer.url.origin} Authentik?`,
        undefined,
    );
}

function replyTo(
    challenge: Challenge,
    { username, password }: Credentials,
    flow: string,
    remedy: string,
): Record<string, unknown> {
    const errors = Object.values(challenge.response_errors ?? {}).flat();
    if (errors.length > 0) {
        throw new FlowError(
            `Authentik refused the login of ${username}: ` +
                `${outsideText(errors.map((error) => error.string).join("; "))}. ` +
                "The password may be wrong or expired, or there is no such user.",
            challenge.component,
        );
    }
    if (challenge.captcha_stage)
        throw new FlowError(
            `The flow ${flow} asks for a captcha, which only a person can answer. ${remedy}`,
            challenge.component,
            remedy === OWN_FLOW,
        );
    switch (challenge.component) {
        case "ak-stage-identification":
            return { uid_field: username, ...(challenge.password_fields ? { password } : {}) };
        case "ak-stage-password":
            return { password };
        case "ak-stage-user-login":
            return { remember_me: false };
        case "ak-stage-consent":
            return { token: challenge.token };
        case "ak-stage-access-denied":
            throw new FlowError(
                `Authentik denied ${username} the flow ${flow}: ` +
                    `${outsideText(challenge.error_message ?? "no reason given")}. ` +
                    "The user may be inactive, or a policy of the flow does not let it pass.",
                challenge.component,
            );
        case "ak-stage-flow-error":
            throw new FlowError(`Authentik failed inside the flow ${flow}; its log says why.`, challenge.component);
        case "ak-stage-authenticator-validate":
        case "ak-stage-authenticator-totp":
        case "ak-stage-authenticator-webauthn":
        case "ak-stage-authenticator-static":
            throw new FlowError(
                `The flow ${flow} demands a second factor of ${username} (${challenge.component}), ` +
                    `which a service account does not have. ${remedy}`,
                challenge.component,
                remedy === OWN_FLOW,
            );
        default:
            throw new FlowError(
                `The flow ${flow} asks ${username} for ${outsideText(challenge.component)}, ` +
                    `which cannot be answered without a person. ${remedy}`,
                challenge.component,
                remedy === OWN_FLOW,
            );
    }
}

/** After a login, the executor requires its CSRF cookie as a header too. */
async function csrf(browser: Browser, url: string): Promise<Record<string, string>> {
    const token = await browser.cookie(url, "authentik_csrf");
    return token ? { "X-authentik-CSRF": token } : {};
}
