import { isReal, target, targetForAll, Visitor } from "./target";

targetForAll();

const defaultFlow = "default-authentication-flow";

/** An account with a password that the test knows. */
async function account(what: string, members: object = {}) {
    const username = target.name(what);
    const user = await target.make("/core/users/", { username, name: "", type: "service_account", ...members });
    const password = `password of ${username}`;
    await target.api("POST", `/core/users/${user.pk}/set_password/`, { password });
    return { user, username, password };
}

/**
 * A flow as the dedicated login flow of a site that demands a second factor: name and password at once, login for one
 * account only.
 */
async function dedicatedFlow(username: string) {
    const slug = target.name(`login-${username}`);
    const flow = await target.make(
        "/flows/instances/",
        { name: slug, slug, title: slug, designation: "authentication", authentication: "require_unauthenticated" },
        "slug",
    );
    const password = await target.find("/stages/password/?name=default-authentication-password");
    const identification = await target.make("/stages/identification/", {
        name: `${slug}-identification`,
        user_fields: ["username"],
        password_stage: password.pk,
    });
    const login = await target.make("/stages/user_login/", { name: `${slug}-login`, session_duration: "minutes=5" });
    await target.make("/flows/bindings/", { target: flow.pk, stage: identification.pk, order: 0 });
    const binding = await target.make("/flows/bindings/", {
        target: flow.pk,
        stage: login.pk,
        order: 10,
        re_evaluate_policies: true,
    });
    const policy = await target.make("/policies/expression/", {
        name: slug,
        expression: `return request.context["pending_user"].username == "${username}"`,
    });
    await target.make("/policies/bindings/", {
        target: binding.policybindingmodel_ptr_id,
        policy: policy.pk,
        order: 0,
    });
    return slug;
}

describe(`the flow executor [${isReal ? "real" : "stand-in"}]`, () => {
    test(
        "the default flow: name, password, login, and on to where one wanted [fact: " +
            "POST uid_field -> 302 to the same URL -> 200 ak-stage-password; password -> xak-flow-redirect; " +
            "only a cookie jar, renewed at login]",
        async () => {
            const { username, password } = await account("default");
            const visitor = new Visitor(target.url);
            const query = "next=%2Fif%2Fuser%2F";
            const first = await visitor.flow(defaultFlow, undefined, query);
            expect(first.status).toBe(200);
            expect(first.body).toMatchObject({
                component: "ak-stage-identification",
                user_fields: ["email", "username"],
                password_fields: false,
                captcha_stage: null,
                flow_info: { cancel_url: "/flows/-/cancel/?next=%2Fif%2Fuser%2F" },
            });
            expect([...visitor.cookies.keys()]).toEqual(["authentik_session"]);
            const anonymous = visitor.cookies.get("authentik_session");
            // An accepted answer is a redirect to the same URL.
            const path = `/api/v3/flows/executor/${defaultFlow}/?query=${encodeURIComponent(query)}`;
            const posted = await visitor.go(path, { method: "POST", json: { uid_field: username } });
            expect([posted.status, posted.headers.location]).toEqual([302, path]);
            expect((await visitor.flow(defaultFlow, undefined, query)).body).toMatchObject({
                component: "ak-stage-password",
                pending_user: username,
            });
            const last = await visitor.flow(defaultFlow, { password }, query);
            expect([last.status, last.body]).toEqual([200, { component: "xak-flow-redirect", to: "/if/user/" }]);
            expect(visitor.cookies.get("authentik_session")).not.toBe(anonymous);
            expect(visitor.cookies.has("authentik_csrf")).toBe(true);
            expect(await visitor.isLoggedIn()).toBe(true);
        },
    );

    test(
        "a wrong password is 200 with response_errors, for an unknown user too [fact: " +
            "wrong or expired password, unknown user: 200 `ak-stage-password` with `response_errors`]",
        async () => {
            const { username } = await account("wrong");
            for (const name of [username, target.name("nobody")]) {
                const visitor = new Visitor(target.url);
                const reply = await visitor.logIn(name, "not the password");
                expect(reply.status).toBe(200);
                expect(reply.body).toMatchObject({
                    component: "ak-stage-password",
                    response_errors: { password: [{ string: "Invalid password", code: "invalid" }] },
                });
                expect(await visitor.isLoggedIn()).toBe(false);
            }
        },
    );

    test(
        "app passwords are accepted, API tokens are not [fact: " +
            "password stage accepts app passwords, refuses API tokens]",
        async () => {
            const { user, username } = await account("tokens");
            const appPassword = await target.makeToken(user.pk, "app_password");
            const apiToken = await target.makeToken(user.pk, "api");
            expect((await new Visitor(target.url).logIn(username, apiToken)).body.component).toBe("ak-stage-password");
            expect((await new Visitor(target.url).logIn(username, appPassword)).body).toEqual({
                component: "xak-flow-redirect",
                to: "/",
            });
        },
    );

    test(
        "another password ends the old one, and no session [fact: " +
            "set_password -> 204, log in, then set another random password that nobody keeps]",
        async () => {
            const { user, username, password } = await account("changed");
            const visitor = new Visitor(target.url);
            await visitor.logIn(username, password);
            await target.api("POST", `/core/users/${user.pk}/set_password/`, { password: "another password" });
            expect(await visitor.isLoggedIn()).toBe(true);
            expect((await new Visitor(target.url).logIn(username, password)).body.component).toBe("ak-stage-password");
            expect((await new Visitor(target.url).logIn(username, "another password")).body.component).toBe(
                "xak-flow-redirect",
            );
        },
    );

    test(
        "somebody inactive: a wrong password by password, access denied by app password [fact: " +
            'user inactive: 200 `ak-stage-access-denied`, "Unknown error"]',
        async () => {
            const { user, username, password } = await account("inactive");
            const appPassword = await target.makeToken(user.pk, "app_password");
            await target.api("PATCH", `/core/users/${user.pk}/`, { is_active: false });
            expect((await new Visitor(target.url).logIn(username, password)).body.component).toBe("ak-stage-password");
            expect((await new Visitor(target.url).logIn(username, appPassword)).body).toMatchObject({
                component: "ak-stage-access-denied",
                error_message: "Unknown error",
            });
        },
    );

    test(
        "after login an answer needs the CSRF token [fact: POSTs before login need no CSRF header; " +
            "after login they need X-authentik-CSRF]",
        async () => {
            const { username, password } = await account("csrf");
            const visitor = new Visitor(target.url);
            await visitor.logIn(username, password);
            const path = `/api/v3/flows/executor/${defaultFlow}/?query=`;
            await visitor.go(path);
            const without = await visitor.go(path, { method: "POST", json: { uid_field: username } });
            expect(without.status).toBe(200);
            expect(without.body.component).toBe("ak-stage-flow-error");
            const headers = { "x-authentik-csrf": visitor.cookies.get("authentik_csrf") as string };
            expect((await visitor.go(path, { method: "POST", json: { uid_field: username }, headers })).status).toBe(
                302,
            );
        },
    );

    test(
        "the invalidation flow ends the session [fact: End the session after use: " +
            "GET executor/default-invalidation-flow]",
        async () => {
            const { username, password } = await account("logout");
            const visitor = new Visitor(target.url);
            await visitor.logIn(username, password);
            expect(await visitor.isLoggedIn()).toBe(true);
            const session = visitor.cookies.get("authentik_session") as string;
            expect((await visitor.flow("default-invalidation-flow")).body).toEqual({
                component: "xak-flow-redirect",
                to: "/",
            });
            expect(visitor.cookies.has("authentik_session")).toBe(false);
            // Also for somebody who has kept the cookie.
            visitor.cookies.set("authentik_session", session);
            expect(await visitor.isLoggedIn()).toBe(false);
        },
    );

    test(
        "a flow of one's own lets in one account and nobody else, with name and password together [fact: " +
            "A dedicated flow: name and password together; another user runs through it without being logged in]",
        async () => {
            const robot = await account("only");
            const other = await account("other");
            const slug = await dedicatedFlow(robot.username);

            const visitor = new Visitor(target.url);
            expect((await visitor.flow(slug)).body).toMatchObject({
                component: "ak-stage-identification",
                password_fields: true,
            });
            const passed = await visitor.flow(slug, { uid_field: robot.username, password: robot.password });
            expect(passed.body).toEqual({ component: "xak-flow-redirect", to: "/" });
            expect(await visitor.isLoggedIn()).toBe(true);
            // Who is logged in is passed on by a flow that wants nobody to be.
            expect((await visitor.flow(slug)).body).toEqual({ component: "xak-flow-redirect", to: "/" });

            const stranger = new Visitor(target.url);
            const through = await stranger.flow(slug, { uid_field: other.username, password: other.password });
            expect(through.body).toEqual({ component: "xak-flow-redirect", to: "/" });
            expect(await stranger.isLoggedIn()).toBe(false);

            for (const name of [robot.username, target.name("nobody")]) {
                const refused = await new Visitor(target.url).flow(slug, { uid_field: name, password: "wrong" });
                expect(refused.body).toMatchObject({
                    component: "ak-stage-identification",
                    response_errors: { non_field_errors: [{ string: "Failed to authenticate.", code: "invalid" }] },
                });
            }
        },
    );

    describe("with a second factor demanded", () => {
        let stage: { pk: string };
        beforeAll(async () => {
            stage = await target.find("/stages/authenticator/validate/?name=default-authentication-mfa-validation");
        });
        const demand = (action: string, configurationStages: string[]) =>
            target.api("PATCH", `/stages/authenticator/validate/${stage.pk}/`, {
                not_configured_action: action,
                configuration_stages: configurationStages,
            });
        afterEach(() => demand("skip", []));

        test(
            "an account without one is stopped at setting it up, and is not logged in [fact: " +
                "a site that demands a second factor stops this at `ak-stage-authenticator-totp`]",
            async () => {
                const { username, password } = await account("mfa");
                const totp = await target.find("/stages/authenticator/totp/?name=default-authenticator-totp-setup");
                expect((await demand("configure", [totp.pk])).status).toBe(200);
                const visitor = new Visitor(target.url);
                expect((await visitor.logIn(username, password)).body).toMatchObject({
                    component: "ak-stage-authenticator-totp",
                    pending_user: username,
                });
                expect(await visitor.isLoggedIn()).toBe(false);
            },
        );

        test("a flow of one's own passes by it [fact: A dedicated flow gets through with MFA enforced]", async () => {
            const robot = await account("mfa-robot");
            const slug = await dedicatedFlow(robot.username);
            await demand("deny", []);
            const visitor = new Visitor(target.url);
            await visitor.flow(slug, { uid_field: robot.username, password: robot.password });
            expect(await visitor.isLoggedIn()).toBe(true);
        });
    });
});
