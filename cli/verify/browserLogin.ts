/**
 * A login as a person does it: a real browser goes from the registry to Authentik, types a name and a password there,
 * and comes back.
 */
import type { BrowserContext, Page } from "../../clients/chromium";
import { urlOf, withoutQuery } from "../../clients/http/address";
import type { Control } from "./control";
import type { Recorder } from "./exchanges";

export interface BrowserLogin {
    registryUrl: string;
    /** Scheme and host of Authentik, as browsers see them. */
    authentikOrigin: string;
    username: string;
    password: string;
    /** Slug of a flow to log in by before the registry is visited. */
    loginFlow: string | undefined;
}

/** The result of the login. */
export type Arrival =
    | { arrived: true; address: string; username: string | undefined; keysStatus: number }
    /** `answered`: a server's page with a refusal; otherwise a page on which nothing could be done. */
    | { arrived: false; address: string; said: string; answered: boolean };

/**
 * How long a page may take until something can be done on it, in milliseconds: Authentik's pages are programs of some
 * megabytes.
 */
const PATIENCE = 30_000;
/** Between two looks at a page, in milliseconds. */
const PAUSE = 150;
/**
 * Elements on the pages of Authentik's frontend (seen on 2026.5). For password managers it has further fields with
 * these names, outside of the body.
 */
const NAME_FIELD = 'body input[name="uidField"]:visible';
const PASSWORD_FIELD = 'body input[name="password"]:visible';

/**
 * @throws RunEnded if the run has to end; playwright's errors if the browser is gone, or a page does not load
 */
export async function logInWithBrowser(
    context: BrowserContext,
    login: BrowserLogin,
    control: Control,
    recorder: Recorder,
): Promise<Arrival> {
    const page = await context.newPage();
    record(page, recorder);
    if (login.loginFlow !== undefined) {
        const flow = `${login.authentikOrigin}/if/flow/${login.loginFlow}/`;
        await open(page, flow, control);
        const stopped = await fillIn(
            page,
            login,
            control,
            (url) => url.origin === login.authentikOrigin && !url.pathname.startsWith(`/if/flow/${login.loginFlow}/`),
        );
        if (stopped) return stopped;
    }
    await open(
        page,
        `${login.registryUrl}/zot/auth/login?provider=oidc&callback_ui=${encodeURIComponent("/")}`,
        control,
    );
    const stopped = await fillIn(
        page,
        login,
        control,
        (url) => url.origin === login.registryUrl && !url.pathname.startsWith("/zot/auth/"),
    );
    if (stopped) return stopped;

    const cookie = (await context.cookies(login.registryUrl)).find(({ name }) => name === "user");
    // zot's own page requests the list of keys like this, which needs a session.
    const keysStatus = await page.evaluate<number>(
        'fetch("/zot/auth/apikey", { headers: { "X-ZOT-API-CLIENT": "zot-ui" } }).then((answer) => answer.status)',
    );
    return {
        arrived: true,
        address: withoutQuery(page.url()),
        username: cookie && decodeURIComponent(cookie.value),
        keysStatus,
    };
}

/**
 * Ends the sessions at the registry and in Authentik, with the browser that holds them. Never fails: sessions also
 * expire.
 */
export async function logOutWithBrowser(
    context: BrowserContext,
    { registryUrl, authentikOrigin }: BrowserLogin,
): Promise<void> {
    try {
        const page = await context.newPage();
        await page.goto(`${registryUrl}/livez`, { timeout: PATIENCE });
        await page.evaluate(
            'fetch("/zot/auth/logout", { method: "POST", headers: { "X-ZOT-API-CLIENT": ' +
                '"zot-ui" } }).then((answer) => answer.status)',
        );
        await page.goto(`${authentikOrigin}/-/health/live/`, { timeout: PATIENCE });
        await page.evaluate(
            'fetch("/api/v3/flows/executor/default-invalidation-flow/?query=").then((answer) => answer.status)',
        );
    } catch {
        // Reported above.
    }
}

async function open(page: Page, url: string, control: Control): Promise<void> {
    control.check();
    await page.goto(url, { timeout: PATIENCE, waitUntil: "commit" });
}

/**
 * Types name and password wherever they are asked for, until the browser is where it should be. Returns where it
 * stopped instead.
 */
async function fillIn(
    page: Page,
    { username, password }: BrowserLogin,
    control: Control,
    isThere: (url: URL) => boolean,
): Promise<Arrival | undefined> {
    const answers = [
        { field: NAME_FIELD, text: username, isGiven: false },
        { field: PASSWORD_FIELD, text: password, isGiven: false },
    ];
    const refused = refusals(page);
    let deadline = Date.now() + PATIENCE;
    for (;;) {
        control.check();
        if (isThere(new URL(page.url()))) return undefined;
        const refusal = refused();
        if (refusal)
            return {
                arrived: false,
                answered: true,
                address: withoutQuery(page.url()),
                said: `${refusal}: ${await textOf(page)}`,
            };
        if (Date.now() > deadline)
            return { arrived: false, answered: false, address: withoutQuery(page.url()), said: await textOf(page) };
        let last: string | undefined;
        for (const answer of answers) {
            const field = page.locator(answer.field).first();
            if (answer.isGiven || (await page.locator(answer.field).count()) === 0) continue;
            await field.fill(answer.text, { timeout: PATIENCE });
            answer.isGiven = true;
            last = answer.field;
        }
        if (last !== undefined) {
            await page.locator(last).first().press("Enter", { timeout: PATIENCE });
            deadline = Date.now() + PATIENCE;
        }
        await page.waitForTimeout(PAUSE);
    }
}

/**
 * The last page that a server returned with an error. Also Authentik's page for people who may not use an application,
 * although its status is 200.
 */
function refusals(page: Page): () => string | undefined {
    let refusal: string | undefined;
    page.on("response", (response) => {
        if (!response.request().isNavigationRequest()) return;
        refusal = response.status() >= 400 ? `answered with ${response.status()}` : undefined;
    });
    return () => refusal;
}

/** The visible text of a page, in one line. */
async function textOf(page: Page): Promise<string> {
    const title = await page.title().catch(() => "");
    const text = await page
        .locator("body")
        // biome-ignore lint/performance/useDomNodeTextContent: what is shown, without scripts and what is hidden
        .innerText({ timeout: 2000 })
        .catch(() => "");
    return (
        [title, text]
            .map((part) => part.replace(/\s+/g, " ").trim())
            .filter(Boolean)
            .join(": ")
            .slice(0, 200) || "an empty page"
    );
}

/**
 * Records the visited pages and the challenges of the flow: addresses without their queries, which hold codes, and no
 * bodies.
 */
function record(page: Page, recorder: Recorder): void {
    page.on("response", (response) => {
        const request = response.request();
        if (!request.isNavigationRequest() && !new URL(request.url()).pathname.startsWith("/api/v3/flows/executor/"))
            return;
        const to = urlOf(response.headers().location, response.url());
        recorder.add({
            as: "browser",
            sent: `${request.method()} ${withoutQuery(request.url())}`,
            received: `${response.status()}${to ? ` to ${withoutQuery(to)}` : ""}`,
        });
    });
}
