import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { ApiSchema } from "../../../testbed/authentik/apiSchema";
import { parseExpression } from "../../../testbed/authentik/expressions";
import { newKey } from "../../../testbed/authentik/identifiers";
import { objectKinds } from "../../../testbed/authentik/objects";

import {
    type AuthentikStandIn,
    type AuthentikStandInOptions,
    startAuthentikStandIn,
} from "../../../testbed/authentik/server";
import { call } from "./target";

// What only a stand-in has: faults on demand, a state file, a command line. The rest is a contract with the real one.

jest.setTimeout(60_000);

const token = "a token for this test only";
const folder = mkdtempSync(path.join(tmpdir(), "authentik-stand-in-"));
const running: AuthentikStandIn[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
    for (const standIn of running.splice(0)) await standIn.close();
    for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(options: Partial<AuthentikStandInOptions> = {}): Promise<AuthentikStandIn> {
    const standIn = await startAuthentikStandIn({ token, ...options });
    running.push(standIn);
    return standIn;
}

function api(standIn: { url: string }, method: string, apiPath: string, json?: unknown) {
    return call(`${standIn.url}/api/v3${apiPath}`, {
        method,
        ...(json === undefined ? {} : { json }),
        headers: { authorization: `Bearer ${token}` },
    });
}

describe("faults on demand", () => {
    const named = async (standIn: AuthentikStandIn, name: string) =>
        (await api(standIn, "GET", `/core/groups/?name=${name}`)).body.results.length;

    test("500 although the write was committed", async () => {
        const standIn = await start();
        standIn.faults.add({ kind: "errorAfterWrite", method: "POST", path: "/api/v3/core/groups/" });
        const reply = await api(standIn, "POST", "/core/groups/", { name: "uncertain" });
        expect([reply.status, reply.text, reply.headers["content-type"]]).toEqual([
            500,
            "Internal Server Error",
            "text/plain; charset=utf-8",
        ]);
        expect(await named(standIn, "uncertain")).toBe(1);
        // It strikes once.
        expect((await api(standIn, "POST", "/core/groups/", { name: "certain" })).status).toBe(201);
    });

    test("405 without a body, and nothing written", async () => {
        const standIn = await start();
        standIn.faults.add({ kind: "emptyMethodNotAllowed", method: "POST" });
        const reply = await api(standIn, "POST", "/core/groups/", { name: "unhandled" });
        expect([reply.status, reply.text]).toEqual([405, ""]);
        expect(await named(standIn, "unhandled")).toBe(0);
    });

    test("a cut connection, before and after the write", async () => {
        const standIn = await start();
        for (const [kind, found] of [
            ["reset", 0],
            ["resetAfterWrite", 1],
        ] as const) {
            standIn.faults.add({ kind, method: "POST" });
            await expect(api(standIn, "POST", "/core/groups/", { name: kind })).rejects.toThrow(
                /socket hang up|ECONNRESET/,
            );
            expect(await named(standIn, kind)).toBe(found);
        }
    });
});

describe("what it is", () => {
    test("it listens on loopback only", async () => {
        await expect(startAuthentikStandIn({ token, host: "0.0.0.0" })).rejects.toThrow(
            "loopback only, not on 0.0.0.0",
        );
    });

    test("it says that it is a stand-in, in its log and in each answer, and tells no secret", async () => {
        const lines: string[] = [];
        const standIn = await start({ log: (line) => lines.push(line) });
        const reply = await api(standIn, "POST", "/core/tokens/", { identifier: "shown", intent: "app_password" });
        const { key } = (await api(standIn, "GET", "/core/tokens/shown/view_key/")).body;
        expect(reply.headers["x-stand-in"]).toBe("authentik");
        expect(lines[0]).toContain("this is a stand-in for Authentik");
        expect(lines).toContain("POST /api/v3/core/tokens/ 201");
        expect(lines.join("\n")).not.toContain(token);
        expect(lines.join("\n")).not.toContain(key);
    });

    test(
        "it is of the version of schema.yml unless told otherwise; " +
            "a release has grant types, and none unless they are given",
        async () => {
            const release = await start();
            expect(release.version).toBe(new ApiSchema().version);
            const candidate = await start({ version: "2026.5.0-rc1" });
            const make = async (standIn: AuthentikStandIn, members: object = {}) => {
                const flow = (
                    await api(standIn, "GET", "/flows/instances/?slug=default-provider-authorization-implicit-consent")
                ).body.results[0].pk;
                const body = {
                    name: newKey(8),
                    authorization_flow: flow,
                    invalidation_flow: flow,
                    redirect_uris: [],
                    ...members,
                };
                return (await api(standIn, "POST", "/providers/oauth2/", body)).body;
            };
            const callback = "http://127.0.0.1:9/callback";
            const redirectUris = { redirect_uris: [{ matching_mode: "strict", url: callback }] };
            const authorize = async (provider: { client_id: string }) => {
                const query = new URLSearchParams({
                    client_id: provider.client_id,
                    response_type: "code",
                    redirect_uri: callback,
                });
                return (await call(`${release.url}/application/o/authorize/?${query.toString()}`)).headers.location;
            };
            const without = await make(release, redirectUris);
            expect(without.grant_types).toEqual([]);
            expect(await authorize(without)).toMatch(/^http:\/\/127\.0\.0\.1:9\/callback\?error=/);
            expect((await make(release, { grant_types: ["authorization_code"] })).grant_types).toEqual([
                "authorization_code",
            ]);
            expect(await make(candidate, { grant_types: ["authorization_code"] })).not.toHaveProperty("grant_types");
        },
    );

    test("an expression that it cannot evaluate is refused, with a way out", async () => {
        const standIn = await start();
        const reply = await api(standIn, "POST", "/policies/expression/", {
            name: "x",
            expression: "return ak_is_group_member(request.user)",
        });
        expect(reply.status).toBe(400);
        expect(reply.body.expression[0]).toMatch(/evaluates only .*AUTHENTIK_URL/);
    });
});

describe("the command line", () => {
    const root = path.resolve(__dirname, "../../..");

    function run(...parameters: string[]): ChildProcess {
        const child = spawn(
            process.execPath,
            [path.join(root, "build/run.cjs"), "testbed/authentik/main.ts", ...parameters],
            {
                stdio: ["ignore", "pipe", "pipe"],
            },
        );
        children.push(child);
        return child;
    }

    async function output(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
        const text = { stdout: "", stderr: "" };
        for (const name of ["stdout", "stderr"] as const)
            child[name]?.on("data", (chunk: Buffer) => (text[name] += chunk.toString()));
        const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
        return { code, ...text };
    }

    test("prints its address, serves, and ends on SIGTERM", async () => {
        const tokenFile = path.join(folder, "token");
        writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
        const child = run("--listen", "127.0.0.1:0", "--token-file", tokenFile);
        const line = await new Promise<string>((resolve) =>
            createInterface({ input: child.stdout! }).once("line", resolve),
        );
        const ready = JSON.parse(line) as { url: string; standIn: string };
        expect(ready.standIn).toBe("authentik");
        expect((await api(ready, "GET", "/core/users/me/")).body.user.username).toBe("akadmin");
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        expect(await ended).toBe(0);
    });

    test("a mistake is one sentence", async () => {
        const missing = await output(run("--token-file", path.join(folder, "nonesuch")));
        expect(missing.code).toBe(1);
        expect(missing.stderr).toMatch(
            /^authentik \(stand-in\): --token-file .*nonesuch cannot be read: ENOENT[^\n]*\n$/,
        );
        const address = await output(run("--token-file", "x", "--listen", "nowhere"));
        expect(address.code).toBe(1);
        expect(address.stderr).toContain("An address and a port are needed");
    });
});

describe("schema.yml, cut up", () => {
    const schema = new ApiSchema();

    test("each kind of object has its operations there", () => {
        for (const kind of objectKinds) {
            const item = `/${kind.path}/{${kind.pathParameter}}/`;
            expect([kind.path, schema.operation("GET", `/${kind.path}/`)?.response]).toEqual([
                kind.path,
                expect.anything(),
            ]);
            expect([item, schema.operation("GET", item)?.response]).toEqual([item, expect.anything()]);
            if (kind.readOnly) continue;
            for (const [method, place] of [
                ["POST", `/${kind.path}/`],
                ["PATCH", item],
            ] as const) {
                expect([method, place, schema.operation(method, place)?.request]).toEqual([
                    method,
                    place,
                    expect.anything(),
                ]);
            }
            for (const verb of Object.keys(kind.actions ?? {})) {
                const place = `${item}${verb}/`;
                expect(schema.operation("POST", place) ?? schema.operation("GET", place)).toBeDefined();
            }
        }
        expect(schema.operation("GET", "/nonesuch/")).toBeUndefined();
    });

    test("references, enums and nulls hold", () => {
        const group = { $ref: "#/components/schemas/PolicyBindingRequest" };
        const target = "00000000-0000-4000-8000-000000000000";
        expect(schema.errors(group, { target, order: 0, group: null })).toEqual([]);
        expect(schema.errors(group, { target, order: 2 ** 31 }).map((error) => error.keyword)).toEqual(["maximum"]);
        expect(schema.errors(group, { target: null, order: 0 }).map((error) => error.keyword)).toContain("type");
        const provider = { $ref: "#/components/schemas/PatchedOAuth2ProviderRequest" };
        expect(schema.errors(provider, { sub_mode: "user_username" })).toEqual([]);
        expect(schema.errors(provider, { sub_mode: "nonsense" }).map((error) => error.keyword)).toContain("enum");
    });
});

describe("small parts", () => {
    test("expressions: the account's name, with or without return, and nothing that only looks alike", () => {
        const context = { authenticated: false, inFlow: true };
        for (const expression of [
            'return request.context["pending_user"].username == "robot"',
            "request.context['pending_user'].username == 'robot'",
            '# who may\nreturn request.context["pending_user"].username == "robot"\n',
        ]) {
            const evaluate = parseExpression(expression);
            if (typeof evaluate === "string") throw new Error(evaluate);
            expect(evaluate({ ...context, pendingUsername: "robot" })).toBe(true);
            expect(evaluate({ ...context, pendingUsername: "admin" })).toBe(false);
            expect(evaluate({ ...context, pendingUsername: undefined })).toBe(false);
        }
        for (const expression of [
            'return request.context["pending_user"].username == "robot" or True',
            'if request.context["pending_user"].username == "robot":\n    return True',
            'return request.context["pending_user"].name == "robot"',
            "import os",
        ]) {
            expect(parseExpression(expression)).toEqual(expect.stringContaining("evaluates only"));
        }
    });
});
