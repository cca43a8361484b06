/** Logins that are not declared are found from outside, and what they do to CI's own key. */
import * as fs from "node:fs";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import * as tls from "node:tls";
import { asksForCertificate, requestIn } from "../../../cli/verify/clientCertificates";
import { readMachine } from "../../../testbed/bootstrap/toolchain.cjs";
import { contentOf, selfSigned } from "../../support/certificates";
import { type Hardened, startHardened } from "./hardened";

jest.setTimeout(300_000);

let registry: Hardened;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "other-logins-"));

beforeAll(async () => {
    registry = await startHardened();
    await registry.start();
});
afterEach(() => registry.registryGate.reset());
afterAll(async () => {
    await registry?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
});

const only = ["other-logins"];
const json = (body: unknown) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
});
/** What zot tells of its logins. */
const tells = (auth: object) => {
    registry.registryGate.before = (request) =>
        request.path.startsWith("/v2/_zot/ext/mgmt") ? json({ http: { auth } }) : undefined;
};
const declared = { openid: { providers: { oidc: { name: "Authentik" } } }, apikey: true };

test("the declared one alone passes", async () => {
    expect((await registry.verify({ only, readOnly: true })).checks[0]).toMatchObject({ verdict: "pass" });
    tells(declared);
    expect((await registry.verify({ only, readOnly: true })).checks[0]).toMatchObject({
        verdict: "pass",
        meaning: "None was found, neither in what zot shows of its config nor by trying.",
    });
});

test("a zot that tells nothing of itself: what would not show is said", async () => {
    registry.registryGate.before = (request) =>
        request.path.startsWith("/v2/_zot/ext/mgmt") ? { status: 404 } : undefined;
    expect((await registry.verify({ only, readOnly: true })).checks[0]).toMatchObject({
        verdict: "pass",
        meaning: expect.stringContaining("would not be visible"),
    });
});

test.each<[title: string, auth: object, found: RegExp]>([
    ["a password file", { ...declared, htpasswd: {} }, /names and passwords of a file or a directory/],
    ["bearer tokens", { ...declared, bearer: { realm: "x" } }, /bearer tokens/],
    [
        "another provider",
        { ...declared, openid: { providers: { ...declared.openid.providers, github: {} } } },
        /another provider \(http\.auth\.openid\.providers\.github\)/,
    ],
])("%s, as zot tells it", async (_title, auth, found) => {
    tells(auth);
    expect((await registry.verify({ only, readOnly: true })).checks[0]).toMatchObject({
        verdict: "fail",
        meaning: expect.stringMatching(found),
        remedy: expect.stringContaining("Accounts of before"),
    });
});

test("another provider, by trying; and bearer tokens, by the challenge", async () => {
    registry.registryGate.before = (request) =>
        request.query.get("provider") === "gitlab"
            ? { status: 302, headers: { location: "https://gitlab.example" } }
            : undefined;
    expect((await registry.verify({ only, readOnly: true })).checks[0]).toMatchObject({
        verdict: "fail",
        meaning: expect.stringContaining("providers.gitlab"),
    });
    registry.registryGate.before = (request) =>
        request.method === "PUT"
            ? { status: 401, headers: { "www-authenticate": 'Bearer realm="https://tokens.example"' } }
            : undefined;
    expect((await registry.verify({ only, readOnly: true })).checks[0]).toMatchObject({
        verdict: "fail",
        meaning: expect.stringContaining("bearer tokens"),
    });
});

describe("CI's own key", () => {
    const own = ["ci-own-key"];
    const withKey = (key: string) => ({ ZOT_CI_API_KEY: key });

    test("is asked for, and passes as it is", async () => {
        expect((await registry.verify({ only: own, readOnly: true })).checks[0]).toMatchObject({
            verdict: "skipped",
            skipped: "read-only",
        });
        const { key } = await registry.makeByHand("ci", new Date(Date.now() + 86_400_000));
        expect(
            (await registry.verify({ only: own, readOnly: true, environment: withKey(key) })).checks[0],
        ).toMatchObject({ verdict: "pass" });
        await registry.revokeAllByHand();
        expect(
            (await registry.verify({ only: own, readOnly: true, environment: withKey(key) })).checks[0],
        ).toMatchObject({ verdict: "fail", meaning: expect.stringContaining("not accepted (401)") });
    });

    test("without its rights, or with an admin's, is found", async () => {
        const { key } = await registry.makeByHand("ci", new Date(Date.now() + 86_400_000));
        const verified = async () =>
            (await registry.verify({ only: own, readOnly: true, environment: withKey(key) })).checks[0];
        registry.registryGate.before = (request) => (request.method === "PUT" ? { status: 403 } : undefined);
        expect(await verified()).toMatchObject({
            verdict: "fail",
            meaning: expect.stringContaining("may not push (403): zot remembers"),
        });
        registry.registryGate.before = (request) => (request.method === "DELETE" ? { status: 404 } : undefined);
        expect(await verified()).toMatchObject({
            verdict: "fail",
            meaning: expect.stringContaining("may delete: zot remembers"),
        });
        registry.registryGate.reset();
        await registry.revokeAllByHand();
    });
});

const real = readMachine().zot.kind === "real";
(real ? test : test.skip)(
    "a real zot with a password file: it is found, " +
        `and so is what it did to CI's own key${real ? "" : " [skipped: there is none in ZOT or on the PATH]"}`,
    async () => {
        const { key } = await registry.makeByHand("ci", new Date(Date.now() + 86_400_000));
        const htpasswd = path.join(folder, "htpasswd");
        fs.writeFileSync(htpasswd, `${registry.ciUser}:$2b$04$Yd3EftPu.RhqWoulvH4j6e0dxkr3qY7fPLCMUf/nZhHJy75PU04qu\n`);
        await registry.start((config) => {
            config.http.auth.htpasswd = { path: htpasswd };
            config.extensions = { ...config.extensions, search: { enable: true } };
        });
        const verify = () =>
            registry.verify({
                only: ["other-logins", "ci-own-key"],
                readOnly: true,
                environment: { ZOT_CI_API_KEY: key },
            });
        expect((await verify()).checks.map(({ verdict }) => verdict)).toEqual(["fail", "pass"]);
        // One request by the local user of that name.
        const authorization = `Basic ${Buffer.from(`${registry.ciUser}:x`).toString("base64")}`;
        expect((await fetch(`${registry.registryUrl}/v2/_catalog`, { headers: { authorization } })).status).toBe(200);
        expect((await verify()).checks.map(({ verdict }) => verdict)).toEqual(["fail", "fail"]);
        await registry.start();
        await registry.revokeAllByHand();
    },
);

describe("a server that asks for client certificates", () => {
    let certificate: ReturnType<typeof contentOf>;
    beforeAll(() => {
        certificate = contentOf(selfSigned(folder, "localhost", "DNS:localhost"));
    });

    test.each([
        [true, undefined, true],
        [false, undefined, false],
        [true, "TLSv1.3" as const, undefined],
    ])("asks %s, of at least %s: %s", async (requestCert, minVersion, expected) => {
        const server = tls.createServer({
            ...certificate,
            requestCert,
            rejectUnauthorized: false,
            ...(minVersion ? { minVersion } : {}),
        });
        server.on("tlsClientError", () => undefined);
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            expect(
                await asksForCertificate(new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)),
            ).toBe(expected);
        } finally {
            server.close();
        }
    });

    test("what is no handshake, or half of one, says neither", () => {
        for (const bytes of [
            Buffer.alloc(0),
            Buffer.from("HTTP/1.1 400 Bad Request\r\n"),
            Buffer.from([22, 3, 3, 0, 9, 2, 0, 0]),
            Buffer.from([22, 3, 3, 255, 255, 13]),
        ])
            expect([undefined, true]).toContain(requestIn(bytes));
    });
});
