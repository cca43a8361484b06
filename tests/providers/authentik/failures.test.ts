/** What the provider does when Authentik fails, answers oddly, refuses, or is another version. */
import { usualPatience } from "../../../clients/authentik/api";
import { api, backendName, uniqueName } from "./backend";
import { driver } from "./driver";
import { type Fault, startFaultyProxy } from "./faultyProxy";
import { authentik, backend, cleanUp, oauth2, proxy, startAuthentik, stopAuthentik, writes } from "./setUp";

jest.setTimeout(60_000);
beforeAll(startAuthentik);
afterEach(cleanUp);
afterAll(stopAuthentik);

describe(`on ${backendName}`, () => {
    describe("an uncertain answer", () => {
        const isCreate = (collection: string) => (request: { method: string; path: string }) =>
            request.method === "POST" && request.path === `/api/v3${collection}`;
        const once = (matches: (request: { method: string; path: string }) => boolean, fault: Fault) => {
            let left = 1;
            proxy.fault = (request) => (matches(request) && left-- > 0 ? fault : undefined);
        };

        test.each<[string, Fault]>([
            ["500 after the group was made", { afterwards: { status: 500, body: "Internal Server Error" } }],
            [
                "an empty 405 after the group was made",
                { afterwards: { status: 405, type: "text/html; charset=utf-8" } },
            ],
            ["a connection cut after the group was made", { afterwards: "cut the connection" }],
        ])("%s: the group is ours", async (_, fault) => {
            once(isCreate("/core/groups/"), fault);
            const name = uniqueName("group");
            const group = await authentik.create("group", { name, attributes: '{"x":1}' });
            expect(
                (await api(backend, "GET", `/core/groups/?name=${name}`)).body.results.map(
                    (found: { pk: string }) => found.pk,
                ),
            ).toEqual([group.id]);
        });

        test.each<[string, Fault]>([
            ["500 before the group was made", { instead: { status: 500, body: "Internal Server Error" } }],
            ["a connection cut before the group was made", { instead: "cut the connection" }],
        ])("%s: it is made now", async (_, fault) => {
            once(isCreate("/core/groups/"), fault);
            const group = await authentik.create("group", { name: uniqueName("group") });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).status).toBe(200);
        });

        test("an object that was there before is not taken for ours", async () => {
            const name = uniqueName("group");
            const before = await authentik.create("group", { name });
            proxy.fault = (request) => (isCreate("/core/groups/")(request) ? { instead: { status: 500 } } : undefined);
            await expect(authentik.create("group", { name })).rejects.toThrow(
                `is taken by the one with the id ${before.id}`,
            );
        });

        test("an object that another made meanwhile, and differently, is not taken for ours", async () => {
            const name = uniqueName("group");
            let theirs = "";
            proxy.fault = async (request) => {
                if (!isCreate("/core/groups/")(request)) return undefined;
                theirs = (await api(backend, "POST", "/core/groups/", { name, is_superuser: true })).body.pk;
                return { instead: { status: 405, type: "text/html" } };
            };
            await expect(authentik.create("group", { name })).rejects.toThrow(/is taken by the one with the id/);
            proxy.fault = () => undefined;
            await api(backend, "DELETE", `/core/groups/${theirs}/`);
        });

        test("for a binding, of which there may be any number, finds the one that was made", async () => {
            const application = await authentik.create("application", { name: "App", slug: uniqueName("app") });
            const group = await authentik.create("group", { name: uniqueName("group") });
            const target = application.properties.uuid as string;
            once(isCreate("/policies/bindings/"), { afterwards: { status: 500 } });
            const binding = await authentik.create("policyBinding", { target, group: group.id, order: 0 });
            expect(
                (await api(backend, "GET", `/policies/bindings/?target=${target}`)).body.results.map(
                    (found: { pk: string }) => found.pk,
                ),
            ).toEqual([binding.id]);
        });

        test.each<[string, Fault, number]>([
            ["committed", { afterwards: { status: 405, type: "text/html" } }, 1],
            ["not committed", { instead: { status: 405, type: "text/html" } }, 2],
        ])("to an update that was %s: it is looked at before it is sent again", async (_, fault, patches) => {
            const name = uniqueName("group");
            const group = await authentik.create("group", { name });
            once((request) => request.method === "PATCH", fault);
            await group.update({ name, attributes: '{"x":2}' });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).body.attributes).toEqual({ x: 2 });
            expect(writes().filter((write) => write.method === "PATCH")).toHaveLength(patches);
        });

        test("to the update of a slug is looked up under both", async () => {
            const [old, slug] = [uniqueName("old"), uniqueName("new")];
            const application = await authentik.create("application", { name: "App", slug: old });
            once((request) => request.method === "PATCH", { afterwards: { status: 500 } });
            await application.update({ name: "App", slug });
            expect(application.properties.slug).toBe(slug);
        });

        test("to a delete: it is sent again until it is gone", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            once((request) => request.method === "DELETE", { afterwards: { status: 500 } });
            await group.delete();
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).status).toBe(404);
        });

        test("again and again ends in words, not in a second object", async () => {
            proxy.fault = (request) =>
                request.method === "POST" ? { instead: { status: 500, body: "Internal Server Error" } } : undefined;
            await expect(authentik.create("group", { name: uniqueName("group") })).rejects.toThrow(
                /failed at POST \/api\/v3\/core\/groups\/ \(500\)\. Its log says why\. It is not known whether the group .* was created/,
            );
        });
    });

    describe("trouble on the way", () => {
        const json = (detail: string) => ({ type: "application/json", body: JSON.stringify({ detail }) });

        test("reads are tried again after passing failures", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const faults = [
                { instead: { status: 500 } },
                { instead: "cut the connection" },
                { instead: { status: 502 } },
            ] as const;
            let next = 0;
            proxy.fault = (request) => (request.path.includes("/core/groups/") ? faults[next++] : undefined);
            expect(await group.refresh()).toEqual([]);
            expect(next).toBe(4);
        });

        test("a server that is silent is left after one time limit, whatever was asked, and no code stands for it", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const fresh = await driver(proxy.url, backend.token, { ...usualPatience, answer: 400 });
            proxy.requests.length = 0;
            proxy.fault = () => new Promise(() => undefined);
            const silent = (request: string) =>
                `Authentik at ${proxy.url} gave no answer to ${request} within 0.4 seconds. ` +
                "It may be overloaded or halted, or a proxy in front of it may hold requests back. Look at its log; " +
                `try again when ${proxy.url}/-/health/ready/ answers 200.`;
            await expect(fresh.invoke("getFlow", { slug: "default-authentication-flow" })).rejects.toThrow(
                silent("GET /api/v3/flows/instances/"),
            );
            await expect(fresh.read("group", group.id, group)).rejects.toThrow(
                silent(`GET /api/v3/core/groups/${group.id}/`),
            );
            // The version is asked for once.
            expect(proxy.requests.map(({ path }) => path).sort()).toEqual([
                "/api/v3/admin/version/",
                `/api/v3/core/groups/${group.id}/`,
                "/api/v3/flows/instances/",
            ]);
            await expect(fresh.create("group", { name: uniqueName("group") })).rejects.toThrow(
                silent("GET /api/v3/core/groups/"),
            );
            expect(proxy.requests).toHaveLength(4);
            proxy.fault = () => undefined;
        });

        test("passing failures are met again for as long as one answer may take", async () => {
            const fresh = await driver(proxy.url, backend.token, { ...usualPatience, answer: 600 });
            proxy.requests.length = 0;
            proxy.fault = async ({ path }) => {
                if (path.endsWith("/version/")) return undefined;
                await new Promise((resolve) => setTimeout(resolve, 400));
                return { instead: { status: 504 } };
            };
            await expect(fresh.invoke("getFlow", { slug: "x" })).rejects.toThrow(/\(504\)/);
            expect(proxy.requests.filter(({ path }) => path.includes("/flows/"))).toHaveLength(1);
        });

        test("a server that is starting is waited for, reads and writes, and the person is told once", async () => {
            let busy = 3;
            proxy.fault = () =>
                busy-- > 0
                    ? { instead: { status: 503, body: "authentik starting", headers: { "retry-after": "5" } } }
                    : undefined;
            const fresh = await driver(proxy.url, backend.token);
            const group = await fresh.create("group", { name: uniqueName("group") });
            expect(fresh.log.filter((line) => line.includes("is starting"))).not.toHaveLength(0);
            await group.delete();
        });

        test("a server that never starts ends in words", async () => {
            proxy.fault = () => ({ instead: { status: 503, headers: { "retry-after": "5" } } });
            const fresh = await driver(proxy.url, backend.token, {
                refused: 100,
                starting: 100,
                answer: 5_000,
                firstPause: 10,
                longestPause: 20,
                attempts: 3,
            });
            await expect(fresh.invoke("getGroup", { name: "x" })).rejects.toThrow(
                /has been starting for .* and is not ready/,
            );
        });

        test("a server that is not there ends in words", async () => {
            const nowhere = await startFaultyProxy(backend.url);
            await nowhere.stop();
            const fresh = await driver(nowhere.url, backend.token);
            await expect(fresh.create("group", { name: "x" })).rejects.toThrow(
                `Authentik cannot be reached at ${nowhere.url} (ECONNREFUSED)`,
            );
        });

        test("a server that comes up a moment later is waited for", async () => {
            const later = await startFaultyProxy(backend.url);
            const port = Number(new URL(later.url).port);
            await later.stop();
            const fresh = await driver(`http://127.0.0.1:${port}`, backend.token, {
                refused: 10_000,
                starting: 100,
                answer: 5_000,
                firstPause: 50,
                longestPause: 50,
                attempts: 3,
            });
            const looked = fresh
                .invoke("getUser", { username: "nobody-of-this-name" })
                .catch((error: Error) => error.message);
            await new Promise((resolve) => setTimeout(resolve, 200));
            const http = await import("node:http");
            const server = http.createServer(
                (request, response) =>
                    void fetch(`${backend.url}${request.url}`, {
                        headers: { authorization: request.headers.authorization! },
                    }).then(async (answer) =>
                        response
                            .writeHead(answer.status, { "content-type": "application/json" })
                            .end(await answer.text()),
                    ),
            );
            await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
            try {
                expect(await looked).toMatch(/shows no user with username nobody-of-this-name/);
            } finally {
                server.closeAllConnections();
                await new Promise((resolve) => server.close(resolve));
            }
        });

        test("a bad token is told with the command that sets another, and not shown", async () => {
            const fresh = await driver(proxy.url, "canary-bad-token");
            const failure = (await fresh
                .create("group", { name: uniqueName("group") })
                .catch((error: unknown) => error)) as Error;
            expect(failure.message).toMatch(
                /refused the API token: Token invalid\/expired.*pulumi config set --secret authentik:token/,
            );
            expect(failure.message).not.toContain("canary");
        });

        test("a missing permission is told by name", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            proxy.fault = (request) =>
                request.method === "GET"
                    ? undefined
                    : { instead: { status: 403, ...json("You do not have permission to perform this action.") } };
            await expect(authentik.create("application", { slug: uniqueName("app") })).rejects.toThrow(
                /may not create the application .*: it needs the permission authentik_core\.add_application/,
            );
            await expect(authentik.create("providerOauth2", oauth2(uniqueName("provider")))).rejects.toThrow(
                /authentik_providers_oauth2\.add_oauth2provider/,
            );
            await expect(group.update({ name: uniqueName("other") })).rejects.toThrow(
                /may not change the group .*authentik_core\.change_group/,
            );
            await expect(group.delete()).rejects.toThrow(/may not delete the group .*authentik_core\.delete_group/);
            proxy.fault = () => ({
                instead: { status: 403, ...json("You do not have permission to perform this action.") },
            });
            await expect(group.refresh()).rejects.toThrow(/may not read the group .*authentik_core\.view_group/);
            await expect(authentik.invoke("getFlow", { slug: "x" })).rejects.toThrow(/authentik_flows\.view_flow/);
            proxy.fault = () => undefined;
        });

        test("a list that is empty names the permission that may be missing", async () => {
            await expect(authentik.invoke("getFlow", { slug: "no-such-flow" })).rejects.toThrow(
                /shows no flow with slug no-such-flow\..*lacks the permission authentik_flows\.view_flow/,
            );
        });

        test("a filter that the server ignores does not find another object", async () => {
            proxy.fault = (request) => {
                for (const name of ["name", "slug", "username", "client_id"]) request.query.delete(name);
                return undefined;
            };
            await expect(authentik.invoke("getGroup", { name: uniqueName("nobody") })).rejects.toThrow(
                /shows no group/,
            );
        });

        test.each([
            ["2025.8.4", /is version 2025\.8\.4; this provider supports 2025\.10 to 2026\.x/],
            ["2024.12.1", /is version 2024\.12\.1/],
        ])("version %s is refused before anything is written", async (version, message) => {
            proxy.fault = (request) =>
                request.path.endsWith("/admin/version/")
                    ? {
                          instead: {
                              status: 200,
                              type: "application/json",
                              body: JSON.stringify({ version_current: version }),
                          },
                      }
                    : undefined;
            const fresh = await driver(proxy.url, backend.token);
            await expect(fresh.create("group", { name: uniqueName("group") })).rejects.toThrow(message);
            await expect(fresh.invoke("getGroup", { name: "authentik Admins" })).rejects.toThrow(message);
            expect(writes()).toEqual([]);
        });

        test("a newer version is tried, with a warning; one that may not be asked for is assumed", async () => {
            proxy.fault = (request) =>
                request.path.endsWith("/admin/version/")
                    ? { instead: { status: 200, type: "application/json", body: '{"version_current":"2027.2.0"}' } }
                    : undefined;
            const fresh = await driver(proxy.url, backend.token);
            await fresh.invoke("getGroup", { name: "authentik Admins" });
            expect(fresh.log).toEqual([expect.stringMatching(/^warning: .*2027\.2\.0, newer than/)]);
            proxy.fault = (request) =>
                request.path.endsWith("/admin/version/")
                    ? { instead: { status: 403, ...json("You do not have permission to perform this action.") } }
                    : undefined;
            const limited = await driver(proxy.url, backend.token);
            expect(await limited.invoke("getGroup", { name: "authentik Admins" })).toMatchObject({ isSuperuser: true });
        });

        test("an address that redirects, or serves something else, says so", async () => {
            proxy.fault = () => ({
                instead: {
                    status: 301,
                    headers: { location: "https://authentik.example.com/api/v3/core/groups/?session=canary" },
                },
            });
            const fresh = await driver(proxy.url, backend.token);
            const failure = (await fresh.create("group", { name: "x" }).catch((error: unknown) => error)) as Error;
            expect(failure.message).toMatch(
                /redirects GET \/api\/v3\/core\/groups\/ to https:\/\/authentik\.example\.com\/api\/v3\/core\/groups\/\. Set authentik:url/,
            );
            proxy.fault = () => ({ instead: { status: 200, type: "text/html", body: "<html>portal</html>" } });
            await expect((await driver(proxy.url, backend.token)).invoke("getGroup", { name: "x" })).rejects.toThrow(
                /something other than what Authentik's API.*authentik:url right/,
            );
        });
    });
});
