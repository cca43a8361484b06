/** Logging in with a real browser. */

import { launchChromium, NoBrowserError } from "../../../clients/chromium";
import { sendOne } from "../../../clients/http/request";
import { withoutSecretVariables } from "../../shared/environment";
import { type BrowserLogin, logInWithBrowser, logOutWithBrowser } from "../browserLogin";
import type { Check } from "../check";
import type { Context } from "../context";
import { RunEnded } from "../control";
import { fail, notApplicable, notPossible, type Outcome, pass, Skipped } from "../outcome";

export const browser: Check[] = [
    {
        id: "login-browser",
        title: "A person logs in with a browser: from the registry to Authentik and back",
        needs: [],
        async run(context) {
            const { browser: asked } = context.subject;
            if (!asked)
                throw notApplicable(
                    "It was not requested (--browser); login-ci and login-admin log in without a browser.",
                );
            const users = context.testUsersOrSkip();
            await context.as("ci");
            const start = await sendOne(
                context.transport,
                `${context.subject.registryUrl}/zot/auth/login?provider=oidc&callback_ui=%2F`,
            );
            if (!start.location)
                return fail(
                    `The start of a login is answered with ${start.status} instead of a redirect (see login-start).`,
                );
            const login = {
                registryUrl: context.subject.registryUrl,
                authentikOrigin: start.location.origin,
                ...(await users.credentialsOf("ci")),
            };
            try {
                return await logsIn(context, login, asked.program);
            } catch (error) {
                // If the same Ctrl-C ends the browser, the browser fails with its own message.
                context.control.check();
                if (error instanceof RunEnded || error instanceof Skipped) throw error;
                throw notPossible(
                    error instanceof NoBrowserError
                        ? error.message
                        : `The browser failed: ${(error as Error).message.split("\n")[0]}`,
                );
            }
        },
    },
];

async function logsIn(context: Context, login: BrowserLogin, program: string | undefined): Promise<Outcome> {
    const chromium = await launchChromium(program, withoutSecretVariables());
    try {
        const version = `Chromium ${chromium.version()}`;
        const tab = await chromium.newContext();
        const arrival = await logInWithBrowser(tab, login, context.control, context.recorder);
        await logOutWithBrowser(tab, login);
        if (!arrival.arrived) {
            const where = `${version} got as far as ${arrival.address}, ${arrival.said}.`;
            if (arrival.answered)
                return fail(
                    where,
                    "Look at the logs of zot and Authentik at this time; " +
                        "the checks login-start and login-ci may say more.",
                );
            throw notPossible(`${where} That page had no fields for a name and a password.`);
        }
        if (arrival.username !== login.username)
            return fail(
                `${version} came back, but zot takes the person for ${arrival.username ?? "nobody"} instead of ` +
                    `${login.username}.`,
                'zot\'s config needs claimMapping.username "preferred_username" and the scope "profile".',
            );
        if (arrival.keysStatus !== 200)
            return fail(
                `${version} came back, but has no session: zot answers the list of keys with ${arrival.keysStatus}.`,
                "Let the proxy in front forward cookies, " +
                    "and make sure that people reach the registry by the address in externalUrl.",
            );
        return pass(
            `${version} went from the registry to Authentik, where name and password were typed in, ` +
                `and back to ${arrival.address}; zot knows the person as ${arrival.username}.`,
        );
    } finally {
        await chromium.close();
    }
}
