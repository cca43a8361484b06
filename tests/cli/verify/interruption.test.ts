/**
 * verify that is interrupted at any moment leaves nothing behind, and says so; what one that was killed left goes with
 * the next.
 */
import type { Report } from "../../../cli/verify/report/report";
import { RegistryClient } from "../../../clients/zot/registry";
import type { SeenRequest } from "../../providers/zot/gate";
import { type Hardened, startHardened } from "./hardened";
import { type Running, startVerify } from "./verifyProcess";

jest.setTimeout(300_000);

let registry: Hardened;

beforeAll(async () => {
    registry = await startHardened();
});
afterEach(() => {
    registry.registryGate.reset();
    registry.authentikGate.reset();
});
afterAll(() => registry?.stop());

/** A run whose requests to Authentik's API pass by the gate, too. */
function start(only: string): Running {
    const { args, environment } = registry.commandLine;
    const more = ["--authentik-url", registry.authentikGate.url, "--json", "--only", only];
    return startVerify([...args, ...more], environment);
}

interface Moment {
    /** When the signal comes: as the server is about to get this request, or has just carried it out. */
    name: string;
    at: "Authentik" | "registry";
    request: (request: SeenRequest) => boolean;
    check: string;
}

const is = (method: string, path: RegExp) => (request: SeenRequest) =>
    request.method === method && path.test(request.path);

const moments: Moment[] = [
    {
        name: "what earlier runs left is looked for",
        at: "Authentik",
        request: is("GET", /\/core\/users\//),
        check: "health",
    },
    { name: "a user is made", at: "Authentik", request: is("POST", /\/core\/users\/$/), check: "login-ci" },
    { name: "its password is set", at: "Authentik", request: is("POST", /\/set_password\/$/), check: "login-ci" },
    { name: "it logs in", at: "Authentik", request: is("POST", /\/flows\/executor\//), check: "login-ci" },
    {
        name: "the login comes back to the registry",
        at: "registry",
        request: is("GET", /\/zot\/auth\/callback\/oidc/),
        check: "login-ci",
    },
    { name: "its key is made", at: "registry", request: is("POST", /\/zot\/auth\/apikey/), check: "login-ci" },
    {
        name: "a second user is made",
        at: "Authentik",
        request: (request) => is("POST", /\/core\/users\/$/)(request) && /-admin"/.test(request.body),
        check: "groups-mapped",
    },
    {
        name: "a user is let in by itself",
        at: "Authentik",
        request: is("POST", /\/policies\/bindings\/$/),
        check: "login-unbound,logged-in-read",
    },
    {
        name: "CI's account gets an app password",
        at: "Authentik",
        request: is("POST", /\/core\/tokens\/$/),
        check: "keys-on-record",
    },
    { name: "a layer is pushed", at: "registry", request: is("POST", /\/blobs\/uploads\//), check: "api-key-push" },
    {
        name: "an image is pushed",
        at: "registry",
        request: (request) =>
            is("PUT", /\/manifests\/v\d+$/)(request) && request.headers["content-type"] !== "text/plain",
        check: "api-key-push",
    },
    {
        name: "pushes race",
        at: "registry",
        request: (request) =>
            is("PUT", /\/manifests\/v\d+$/)(request) && request.headers["content-type"] !== "text/plain",
        check: "tag-race",
    },
    {
        name: "an admin deletes",
        at: "registry",
        request: (request) => is("DELETE", /\/manifests\/v\d+$/)(request),
        check: "admin-delete",
    },
    {
        name: "a cache stores",
        at: "registry",
        request: is("GET", /^\/v2\/mirror\.example\/.*\/manifests\//),
        check: "pull-through",
    },
];

describe.each(["before", "after"] as const)("Ctrl-C %s", (when) => {
    test.each(moments)("$name", async ({ at, request, check }) => {
        const gate = at === "Authentik" ? registry.authentikGate : registry.registryGate;
        let interrupted = false;
        const interrupt = (seen: SeenRequest) => {
            if (interrupted || !request(seen)) return undefined;
            interrupted = true;
            run.child.kill("SIGINT");
            // The signal arrives first.
            return new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 100));
        };
        if (when === "before") gate.before = interrupt;
        else gate.after = interrupt;
        const run = start(check);
        const { code, stdout } = await run.ended;
        expect(interrupted).toBe(true);
        expect({ code, said: run.said() }).toEqual({
            code: 130,
            said: expect.stringMatching(/SIGINT: ending, once what this run made is removed/),
        });
        expect((JSON.parse(stdout) as Report).cleaning.left).toEqual([]);
        // A key that was made is revoked: that of a deleted user would go on working.
        const keyRequests = (method: string) =>
            registry.registryGate.requests.filter((seen) => seen.method === method && seen.path === "/zot/auth/apikey")
                .length;
        expect(keyRequests("DELETE")).toBe(keyRequests("POST"));
        expect(await registry.remains()).toEqual([]);
        expect(await cachedTags()).toEqual([]);
    });
});

test.each([
    ["for what earlier runs left", /\/core\/users\/$/],
    ["for the group of the user to be made", /\/core\/groups\/$/],
])("Ctrl-C where Authentik is silent, asked %s: it ends, and asks no more", async (_, silentAt) => {
    let interruptedAt = 0;
    registry.authentikGate.before = ({ path }) => {
        if (interruptedAt === 0) {
            if (!silentAt.test(path)) return undefined;
            interruptedAt = Date.now();
            run.child.kill("SIGINT");
        }
        return new Promise<undefined>(() => undefined);
    };
    const run = start("login-ci");
    const { code, stdout } = await run.ended;
    // Well below the time limit of a request.
    expect(Date.now() - interruptedAt).toBeLessThan(15_000);
    expect({ code, said: run.said() }).toEqual({
        code: 130,
        said: expect.stringMatching(/SIGINT: .* A second one, after two seconds, ends it at once\.\n/),
    });
    expect((JSON.parse(stdout) as Report).cleaning).toEqual({ leftOvers: [], removed: [], left: [] });
    expect(registry.authentikGate.requests.at(-1)!.path).toMatch(silentAt);
    expect(registry.authentikGate.requests.every(({ method }) => method === "GET")).toBe(true);
});

async function cachedTags(): Promise<string[]> {
    const { text } = await new RegistryClient(registry.registryUrl).request(
        "GET",
        "/v2/mirror.example/library/app/tags/list",
    );
    return (JSON.parse(text) as { tags?: string[] | null }).tags ?? [];
}

test("Ctrl-C during the clearing up: it goes on to its end", async () => {
    let deletions = 0;
    registry.authentikGate.before = async (request) => {
        if (request.method !== "DELETE" || ++deletions > 1) return undefined;
        run.child.kill("SIGINT");
        // On a busy machine the signal may arrive after the last deletion, were that not to wait for it.
        while (!run.said().includes("SIGINT")) await new Promise((resolve) => setTimeout(resolve, 10));
        return undefined;
    };
    const run = start("groups-mapped");
    const { code, stdout } = await run.ended;
    expect(code).toBe(130);
    expect((JSON.parse(stdout) as Report).cleaning).toMatchObject({ left: [] });
    expect(deletions).toBeGreaterThan(1);
    expect(await registry.remains()).toEqual([]);
});

test("a second Ctrl-C ends it at once, and says what becomes of the rest", async () => {
    let release: () => void = () => undefined;
    registry.authentikGate.before = (request) => {
        if (request.method !== "DELETE") return undefined;
        // An Authentik that takes its time, and gets no request of a run that has ended.
        run.child.kill("SIGINT");
        setTimeout(() => run.child.kill("SIGINT"), 2_300);
        return new Promise<"cut before">((resolve) => (release = () => resolve("cut before")));
    };
    const run = start("login-ci");
    const { code } = await run.ended;
    release();
    expect(code).toBe(130);
    expect(run.said()).toMatch(
        /SIGINT again: ending at once\. What this run made is removed by the next, in 20 minutes or later\./,
    );
    // Until then it is left alone, for another run may still go on.
    registry.authentikGate.reset();
    const users = await usersOfRuns();
    for (const { pk } of users) await registry.authentik.api("DELETE", `/core/users/${pk}/`);
    expect(await registry.remains()).toEqual([]);
});

const usersOfRuns = async () =>
    (
        await registry.authentik.api<{ results: { pk: number; username: string }[] }>(
            "GET",
            "/core/users/?search=zot-hardening-verify&page_size=100",
        )
    ).results.filter(({ username }) => username.startsWith("zot-hardening-verify-"));

test("everything that a killed run may have left goes with the next", async () => {
    const { api } = registry.authentik;
    const name = "zot-hardening-verify-20200101t000000-abcdef";
    const user = await api<{ pk: number }>("POST", "/core/users/", {
        username: `${name}-groupless`,
        name,
        type: "service_account",
        path: "users",
        groups: [],
        attributes: {},
    });
    await api("POST", "/policies/bindings/", { target: registry.applicationPk, user: user.pk, order: 99 });
    await api("POST", "/core/tokens/", {
        identifier: `${name}-keys`,
        intent: "app_password",
        user: registry.ciUserPk,
        description: "",
        expiring: true,
    });
    const flow = await api<{ pk: string }>("POST", "/flows/instances/", {
        name: `${name}-ci-login`,
        slug: `${name}-ci-login`,
        title: name,
        designation: "authentication",
    });
    const [password] = (
        await api<{ results: { pk: string }[] }>("GET", "/stages/password/?name=default-authentication-password")
    ).results;
    const identification = await api<{ pk: string }>("POST", "/stages/identification/", {
        name: `${name}-ci-login-identification`,
        user_fields: ["username"],
        password_stage: password!.pk,
    });
    await api("POST", "/stages/user_login/", { name: `${name}-ci-login-user-login` });
    await api("POST", "/policies/expression/", {
        name: `${name}-ci-login-only`,
        expression: 'return request.context["pending_user"].username == "nobody"',
    });
    await api("POST", "/flows/bindings/", { target: flow.pk, stage: identification.pk, order: 10 });

    const run = start("health");
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    const { leftOvers } = (JSON.parse(stdout) as Report).cleaning;
    for (const what of [
        `user ${name}-groupless`,
        `app password ${name}-keys`,
        `flow ${name}-ci-login`,
        `stage ${name}-ci-login-identification`,
        `stage ${name}-ci-login-user-login`,
        `policy ${name}-ci-login-only`,
    ])
        expect(leftOvers).toContainEqual(`${what} in Authentik`);
    expect(await registry.loginFlows(name)).toEqual([]);
    expect(await registry.remains()).toEqual([]);
});
