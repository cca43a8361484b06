/** What a login is told where a flow asks for what only a person has: of the login flow, and of the one behind it. */
import { demandedBy } from "../../../cli/verify/loginFlow";
import { FlowError, passFlow } from "../../../clients/authentik/flow";
import type { Browser } from "../../../clients/http/browser";

const ORIGIN = "https://authentik.example.org";
const CREDENTIALS = { username: "zot-ci", password: "secret" };

/** A browser to which the executor always answers the same challenge. */
const meeting = (challenge: object) =>
    ({
        send: (url: string) =>
            Promise.resolve({ status: 200, url: new URL(url), text: JSON.stringify(challenge), headers: {} }),
        cookie: () => Promise.resolve(undefined),
    }) as unknown as Browser;

async function refusal(challenge: object, isLogin: boolean): Promise<FlowError> {
    const error = await passFlow(meeting(challenge), ORIGIN, "theirs", "", CREDENTIALS, undefined, isLogin).catch(
        (caught: unknown) => caught,
    );
    if (!(error instanceof FlowError)) throw error;
    return error;
}

describe.each([
    ["a second factor", { component: "ak-stage-authenticator-validate" }, "a second factor"],
    ["a passkey", { component: "ak-stage-authenticator-webauthn" }, "a second factor"],
    [
        "a captcha beside the name",
        { component: "ak-stage-identification", captcha_stage: {} },
        "a person (ak-stage-identification)",
    ],
    ["a captcha", { component: "ak-stage-captcha" }, "a person (ak-stage-captcha)"],
    ["a prompt", { component: "ak-stage-prompt" }, "a person (ak-stage-prompt)"],
    ["an e-mail", { component: "ak-stage-email" }, "a person (ak-stage-email)"],
])("%s", (_, challenge, demanded) => {
    test("in the login flow: one of the account's own helps, and verify makes one", async () => {
        const error = await refusal(challenge, true);
        expect(error.message).toContain("pulumi config set --path identity.ciLoginFlow dedicated");
        expect(demandedBy(error)).toBe(demanded);
    });

    test("in the authorization flow: that one has to be another", async () => {
        const error = await refusal(challenge, false);
        expect(error.message).toContain("pulumi config set --path identity.authorizationFlow");
        expect(error.message).not.toContain("ciLoginFlow");
        expect(demandedBy(error)).toBeUndefined();
    });
});

test("a wrong password, or a flow that is not there, is nothing that a person has", async () => {
    const wrong = {
        component: "ak-stage-password",
        response_errors: { password: [{ string: "Invalid password", code: "invalid" }] },
    };
    expect(demandedBy(await refusal(wrong, true))).toBeUndefined();
    expect(demandedBy(new Error("anything"))).toBeUndefined();
});
