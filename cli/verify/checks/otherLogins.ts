/** Ways to log in besides the declared one, and what they would have done to CI's key. */
import { otherLogins as loginsIn } from "../../../components/zotConfig";
import type { Check } from "../check";
import { asksForCertificate } from "../clientCertificates";
import type { Context } from "../context";
import { fail, notPossible, pass, Skipped, warning } from "../outcome";
import { parsed, Registry } from "../registry";

/** Providers that zot 2.1.20 supports besides the declared one. */
const PROVIDERS = ["github", "google", "gitlab"];
const REMEDY =
    "Remove it from zot's config: pulumi up deploys the declared one. " +
    "zot tells users apart only by name, so check whom it let in: docs/operations.md, Accounts of before.";

/** What the registry itself reports about its logins, if its search is on. */
interface Told {
    http?: {
        auth?: {
            htpasswd?: unknown;
            ldap?: unknown;
            bearer?: unknown;
            openid?: { providers?: Record<string, unknown> };
        };
    };
}

export const otherLogins: Check[] = [
    {
        id: "other-logins",
        title: "Nobody logs in but by the declared provider, and with keys",
        needs: [],
        async run({ anonymous, subject }) {
            const found: string[] = [];
            const mgmt = await anonymous.request("GET", "/v2/_zot/ext/mgmt");
            const told = mgmt.status === 200 ? parsed<Told>(mgmt)?.http?.auth : undefined;
            // zot reports a directory in the same way as a password file.
            if (told?.htpasswd !== undefined || told?.ldap !== undefined)
                found.push("names and passwords of a file or a directory (http.auth.htpasswd, http.auth.ldap)");
            if (told?.bearer !== undefined) found.push("bearer tokens (http.auth.bearer)");
            for (const { path } of loginsIn({
                http: { auth: { openid: { providers: nameless(told?.openid?.providers) } } },
            }))
                found.push(`another provider (${path})`);
            for (const provider of PROVIDERS) {
                const { status } = await anonymous.request(
                    "GET",
                    `/zot/auth/login?provider=${provider}&callback_ui=%2F`,
                );
                const path = `http.auth.openid.providers.${provider}`;
                if (status === 302 && !found.some((one) => one.includes(path)))
                    found.push(`another provider (${path})`);
            }
            const write = await anonymous.mayPut("zot-hardening/probe", "probe");
            if (/^bearer\b/i.test(write.answer.headers.get("www-authenticate") ?? "") && told?.bearer === undefined)
                found.push("bearer tokens (http.auth.bearer)");
            if (found.length > 0) return fail(`The registry also accepts ${found.join("; ")}.`, REMEDY);

            const url = new URL(subject.registryUrl);
            const asks = url.protocol === "https:" ? await asksForCertificate(url) : false;
            if (asks)
                return warning(
                    "The TLS handshake requests a certificate from clients: " +
                        "zot logs in whoever holds one (http.tls.cacert), unless a proxy requests it.",
                    REMEDY,
                );
            return pass(
                told === undefined
                    ? "No other provider, and no bearer tokens. " +
                          "A password file or a directory would not be visible, since zot's search is off; " +
                          "preview checks the config on the host."
                    : "None was found, neither in what zot shows of its config nor by trying.",
            );
        },
    },
    {
        id: "ci-own-key",
        title: "CI's own key has CI's rights, and no more",
        needs: [],
        async run(context) {
            const registry = ownRegistry(context);
            const { ciUser, adminsGroup } = context.subject;
            const read = await registry.request("GET", "/v2/_catalog");
            if (read.status === 401)
                return fail(
                    "CI's own key is not accepted (401): it has expired, or is not on record.",
                    "pulumi up makes a new one; then hand it over with npm run ci-secrets.",
                );
            const push = await registry.mayPut(context.scratch, "probe");
            const remove = await registry.mayDelete(context.scratch);
            const why = `zot remembers for ${ciUser} the groups of whoever last logged in under that name`;
            if (remove.granted)
                return fail(
                    `CI's own key may delete: ${why}, and that was a member of ${adminsGroup}.`,
                    "See other-logins; then raise ci.keyGeneration, " +
                        `and run pulumi up, which logs in again and revokes every other key of ${ciUser}.`,
                );
            if (push.granted === false)
                return fail(
                    `CI's own key may not push (${push.answer.status}): ` +
                        `${why}, by another kind of login than CI's, or ${ciUser} was removed from its group.`,
                    "See other-logins; then raise ci.keyGeneration, and run pulumi up, which logs in again.",
                );
            if (push.granted === undefined)
                throw notPossible(
                    `A push was answered with ${push.answer.status}, which says nothing about the rights.`,
                );
            return pass("It may push, but not delete.");
        },
    },
];

/** CI with the key that the stack declares: a user made for this run would not have what zot remembers for CI. */
function ownRegistry({
    subject: { ciKey: key, ciUser: username, registryUrl },
    transport,
    recorder,
    control,
    readOnly,
}: Context): Registry {
    if (key !== undefined)
        return new Registry(registryUrl, `CI's own key (${username})`, transport, recorder, control, { username, key });
    const needs = "This needs CI's own key: the stack's output ciApiKey, or ZOT_CI_API_KEY in the environment.";
    throw readOnly ? new Skipped("read-only", needs) : new Skipped("not applicable", needs);
}

/** Only the keys of providers: everything else about them is ignored. */
const nameless = (providers: Record<string, unknown> | undefined) =>
    Object.fromEntries(Object.keys(providers ?? {}).map((key) => [key, { present: true }]));
