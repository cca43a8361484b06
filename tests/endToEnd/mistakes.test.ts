/**
 * What people get wrong, through a preview with the engine, on a site on loopback: each mistake is told once, with what
 * was found and what to do, and without a stack trace. What settings alone show is in tests/components/settings.
 */
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import program = require("../../index");

import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack, STACK, takeDown } from "../../testbed/site/scratchStack";
import { operationApart } from "../support/refusedOperation";
import { HOST_KEY } from "../support/settings";

const { reason } = findToolchain();
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(300_000);

(reason ? describe.skip : describe)(skippable("mistakes, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let file: string;
    let good: string;

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, ROOT, program);
        file = join(scratch.folder, `Pulumi.${STACK}.yaml`);
        good = readFileSync(file, "utf8");
    });
    afterEach(() => writeFileSync(file, good));
    afterAll(() => takeDown(site, undefined));

    type Given = () => void | Promise<void>;
    const set =
        (groups: Record<string, Record<string, unknown>>): Given =>
        () =>
            scratch.changeSettings(groups);
    const edited =
        (from: RegExp, to: string): Given =>
        () =>
            writeFileSync(file, good.replace(from, to));
    const authentikAt =
        (url: () => string): Given =>
        () =>
            edited(/authentik:url: .*/, `authentik:url: ${url()}`)();
    const secret =
        (name: string, value: () => string | Promise<string>): Given =>
        async () => {
            const args = [
                "config",
                "set",
                "--stack",
                STACK,
                "--secret",
                ...(name.includes(":") ? [] : ["--path"]),
                name,
            ];
            expect((await scratch.pulumi(args, await value())).code).toBe(0);
        };
    const anotherKey = () =>
        generateKeyPairSync("rsa", {
            modulusLength: 2048,
            publicKeyEncoding: { type: "pkcs1", format: "pem" },
            privateKeyEncoding: { type: "pkcs1", format: "pem" },
        }).privateKey;
    /** Of the user in no group, or with other properties. */
    async function token(more: Record<string, unknown> = {}): Promise<string> {
        const { api, plainUser } = site.authentik;
        const identifier = `mistake-${Date.now()}`;
        const [user] = (await api<{ results: { pk: number }[] }>("GET", `/core/users/?username=${plainUser}`)).results;
        const body = { identifier, intent: "api", user: user!.pk, description: "", expiring: true, ...more };
        await api("POST", "/core/tokens/", body);
        return (await api<{ key: string }>("GET", `/core/tokens/${identifier}/view_key/`)).key;
    }

    test.each<[mistake: string, given: Given, told: RegExp[]]>([
        [
            "a group's name misspelt in the stack's file",
            edited(/zot-hardening:registry:/, "zot-hardening:regsitry:"),
            [/regsitry is not a setting; did you mean registry\?/],
        ],
        [
            "its namespace misspelt",
            edited(/zot-hardening:zot:/, "zot-hardning:zot:"),
            [/zot-hardning:zot is not a setting.* did you mean zot-hardening:zot\?/],
        ],
        [
            "Authentik's token in plain text",
            edited(/authentik:token:\n +secure: .*/, "authentik:token: canary"),
            [/authentik:token is a secret but is not encrypted.* pulumi config set --secret authentik:token/],
        ],
        [
            "a host that nobody knows",
            set({ host: { address: "no-such-host.invalid" } }),
            [/no-such-host\.invalid, cannot be resolved \(ENOTFOUND\)\. Correct host\.address/],
        ],
        [
            "a port without a server",
            set({ host: { port: 9 } }),
            [/127\.0\.0\.1 port 9, refuses connections.* correct host\.address or host\.port/],
        ],
        [
            "another host's key",
            set({ host: { hostKey: HOST_KEY } }),
            [/shows another host key than the one of host\.hostKey: SHA256:\S+ instead of SHA256:/],
        ],
        [
            "a user that is not there",
            set({ host: { user: "no-such-user" } }),
            [/refuses the login of no-such-user.* Correct host\.user, or add the public key/],
        ],
        [
            "a private key that the host does not know",
            secret("host.privateKey", anotherKey),
            [/refuses the login of \S+ with the private key SHA256:\S+ .*authorized_keys/],
        ],
        [
            "an Authentik whose name nobody knows",
            authentikAt(() => "https://no-such-host.invalid"),
            [
                /The host name in https:\/\/no-such-host\.invalid is not known \(ENOTFOUND\)\. Is authentik:url right/,
                /So this could not be looked up in Authentik: flow .* group admins \(identity\.adminsGroup\)\./,
            ],
        ],
        [
            "the registry's address in place of Authentik's",
            authentikAt(() => site.registryUrl),
            [/has no API at GET \/api\/v3\/\S+ \(404\)\. Is authentik:url right\?/],
        ],
        [
            "https where Authentik speaks http",
            authentikAt(() => site.authentik.url.replace("http:", "https:")),
            [/does not speak TLS \(ERR_SSL_\w+\)\. Is authentik:url right: http:\/\/ in place of https:\/\//],
        ],
        [
            "a token that Authentik does not know",
            secret("authentik:token", () => "not-a-token"),
            [/refused the API token: Token invalid\/expired\. Set a good one with: pulumi config set --secret/],
        ],
        [
            "an app password in place of a token",
            secret("authentik:token", () => token({ intent: "app_password" })),
            [/refused the API token/],
        ],
        [
            "a token that may not look",
            secret("authentik:token", () => token()),
            [/lacks \d permissions:[\s\S]*authentik_core\.view_group/, /npm run authentik-token/],
        ],
        [
            "a group with other capitals",
            set({ identity: { adminsGroup: "Admins" } }),
            [/group Admins \(identity\.adminsGroup\)\..* There is one with the name admins: capitals matter\./],
        ],
        [
            "a flow's name cut short",
            set({ identity: { authorizationFlow: "default-provider-authorization" } }),
            [/Alike are: default-provider-authorization-/],
        ],
        [
            "a binary that is not there",
            set({ zot: { binary: "/usr/local/bin/no-such-zot" } }),
            [/zot's binary \/usr\/local\/bin\/no-such-zot is not there or cannot be run; correct zot\.binary/],
        ],
        [
            "a key that zot does not have, in zot.extraConfig",
            set({ zot: { extraConfig: { storage: { dedup: true } } } }),
            [/zot does not accept the config \(zot verify\): .*dedup/],
        ],
        [
            "another Authentik's issuer",
            set({ identity: { issuer: "http://127.0.0.1:9/application/o/zot/" } }),
            [/http:\/\/127\.0\.0\.1:9\S+ could not be fetched on this host.* correct identity\.issuer/],
        ],
    ])("%s", async (_mistake, given, told) => {
        await given();
        const { printed, succeeded } = await operationApart(scratch, "preview");
        const diagnostics = printed.slice(printed.indexOf("Diagnostics:"));
        expect([succeeded, diagnostics]).toEqual([false, expect.stringMatching(told[0]!)]);
        // What ends an inline program is told by the Automation API too; with a language host it is told once.
        const times = /There (is a mistake|are \d+ mistakes) in the settings/.test(diagnostics) ? 2 : 1;
        for (const sentence of told) {
            expect(diagnostics).toMatch(sentence);
            expect(diagnostics.match(new RegExp(sentence.source, "g"))).toHaveLength(times);
        }
        expect(printed).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
        expect(printed).not.toMatch(/unhandled (exception|error)|canary|RunError|UserError/);
    });
});
