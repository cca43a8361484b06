/** A hardened registry with its upstream and its Authentik, which a test weakens in one place at a time. */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { checks } from "../../../cli/verify/checks";
import { Context } from "../../../cli/verify/context";
import { Control } from "../../../cli/verify/control";
import { Recorder } from "../../../cli/verify/exchanges";
import { type Report, reportOf } from "../../../cli/verify/report/report";
import { runChecks } from "../../../cli/verify/runner";
import { type SubjectOptions, subjectFrom } from "../../../cli/verify/subject";
import { outgoing } from "../../../clients/http/outgoing";
import { RegistryClient } from "../../../clients/zot/registry";
import { ZotSession } from "../../../clients/zot/session";
import { readMachine } from "../../../testbed/bootstrap/toolchain.cjs";
import { freePort } from "../../../testbed/site/ports";
import { startWorld, type World } from "../../providers/zot/world";

export const IMAGE = "mirror.example/library/app:v1";

/** A zot config, and what a test makes of it. */
export type Config = Record<string, any>;

export interface Hardened extends World {
    adminsGroup: string;
    workloadsGroup: string;
    /** Starts zot with the hardened config, weakened by `change`. */
    start(change?: (config: Config) => void): Promise<void>;
    /** What `npm run verify` is given. */
    options: SubjectOptions;
    /** The options as arguments, and the environment that they need. */
    commandLine: { args: string[]; environment: NodeJS.ProcessEnv };
    /** zot itself, without the gate in front. */
    directUrl: string;
    /** Verifies in this process. */
    verify(options?: SubjectOptions & { only?: string[]; environment?: NodeJS.ProcessEnv }): Promise<Report>;
    /** Makes a user in the group of admins. */
    makeAdmin(username: string): Promise<{ pk: number; username: string }>;
    /** Logs a service account in. */
    logIn(username: string): Promise<ZotSession>;
    /** What a run made and did not remove: users and tokens in Authentik, tags at the registry. */
    remains(): Promise<string[]>;
    /** Flows, stages and policies in Authentik whose names begin so. */
    loginFlows(prefix: string): Promise<string[]>;
}

export async function startHardened(): Promise<Hardened> {
    const world = await startWorld();
    const upstream = await startUpstream(world.folder);
    const workloadsGroup = (await world.authentik.api<{ name: string }>("GET", `/core/groups/${world.groupPk}/`)).name;
    const adminsGroup = workloadsGroup.replace("workloads", "admins");
    const admins = await world.authentik.api<{ pk: string }>("POST", "/core/groups/", { name: adminsGroup });
    world.made(`/core/groups/${admins.pk}/`);
    await world.authentik.api("POST", "/policies/bindings/", {
        target: world.applicationPk,
        group: admins.pk,
        order: 1,
    });

    let directUrl = "";
    const start = (change: (config: Config) => void = () => {}) =>
        world.startZot((config) => {
            const rule = (ci: string[]) => ({
                anonymousPolicy: ["read"],
                defaultPolicy: ["read"],
                policies: [
                    { groups: [workloadsGroup], actions: ci },
                    { groups: [adminsGroup], actions: ["read", "create", "delete"] },
                ],
            });
            config.http.accessControl = {
                repositories: { "**": rule(["read", "create"]), "mirror.example/**": rule(["read"]) },
            };
            config.extensions.metrics = { enable: true, prometheus: { path: "/metrics" } };
            config.extensions.sync = {
                enable: true,
                registries: [
                    {
                        urls: [upstream.url],
                        onDemand: true,
                        tlsVerify: false,
                        content: [{ prefix: "**", destination: "/mirror.example" }],
                    },
                ],
            };
            directUrl = `http://127.0.0.1:${config.http.port}`;
            change(config);
        });
    await start();
    const options: SubjectOptions = {
        registry: world.registryUrl,
        authentikUrl: world.authentik.url,
        issuer: world.issuer,
        clientId: world.clientId,
        adminsGroup,
        workloadsGroup,
        ciUser: world.ciUser,
        mirror: ["mirror.example"],
        image: [IMAGE],
    };
    const environment = { AUTHENTIK_TOKEN: world.authentik.token };
    return {
        ...world,
        adminsGroup,
        workloadsGroup,
        start,
        options,
        directUrl,
        commandLine: { args: argumentsOf(options), environment },
        async verify({ only, environment: more = environment, ...changed } = {}) {
            const subject = await subjectFrom({ ...options, ...changed }, more);
            const context = new Context(subject, changed.readOnly === true, outgoing(), new Recorder(), new Control());
            const checked = await runChecks(
                checks.filter(({ id }) => !only || only.includes(id)),
                context,
                { say: () => {} },
            );
            return reportOf(
                {
                    subject: subject.name,
                    registry: subject.registryUrl,
                    readOnly: changed.readOnly === true,
                    started: "",
                    seconds: 0,
                    remarks: [],
                },
                checked,
            );
        },
        makeAdmin: (username) =>
            world.authentik.api("POST", "/core/users/", {
                username,
                name: username,
                type: "service_account",
                path: "users",
                groups: [admins.pk],
                attributes: {},
            }),
        async logIn(username) {
            const password = await world.authentik.appPassword(username);
            const provider = { identityProvider: [world.issuer] };
            return ZotSession.login(world.registryUrl, { username, password }, provider);
        },
        async remains() {
            const { results: users } = await world.authentik.api<{ results: { username: string }[] }>(
                "GET",
                "/core/users/?search=zot-hardening-verify&page_size=100",
            );
            const { results: tokens } = await world.authentik.api<{ results: { identifier: string }[] }>(
                "GET",
                "/core/tokens/?search=zot-hardening-verify&page_size=100",
            );
            const { results: bindings } = await world.authentik.api<{ results: { user: number | null }[] }>(
                "GET",
                `/policies/bindings/?target=${world.applicationPk}&page_size=100`,
            );
            const found = [
                ...users.map(({ username }) => username),
                ...tokens.map(({ identifier }) => identifier),
            ].filter((name) => name.startsWith("zot-hardening-verify-"));
            found.push(...bindings.filter(({ user }) => user !== null).map(({ user }) => `binding of user ${user}`));
            const anyone = new RegistryClient(world.registryUrl);
            const { repositories } = JSON.parse((await anyone.request("GET", "/v2/_catalog")).text) as {
                repositories: string[];
            };
            for (const repository of repositories) {
                const answer = await anyone.request("GET", `/v2/${repository}/tags/list`);
                const { tags } = JSON.parse(answer.text) as { tags?: string[] | null };
                if (/zot-hardening-verify/.test(repository))
                    found.push(...(tags ?? []).map((tag) => `${repository}:${tag}`));
            }
            return found;
        },
        async loginFlows(prefix) {
            const kinds = [
                "/flows/instances/",
                "/stages/identification/",
                "/stages/user_login/",
                "/policies/expression/",
            ];
            const found = await Promise.all(
                kinds.map((kind) =>
                    world.authentik.api<{ results: { name: string }[] }>(
                        "GET",
                        `${kind}?search=zot-hardening-verify&page_size=100`,
                    ),
                ),
            );
            return found
                .flatMap(({ results }) => results.map(({ name }) => name))
                .filter((name) => name.startsWith(prefix));
        },
        async stop() {
            await upstream.stop();
            await world.stop();
        },
    };
}

function argumentsOf(options: SubjectOptions): string[] {
    return Object.entries(options).flatMap(([name, value]) => {
        const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
        return ([] as unknown[]).concat(value).flatMap((item) => [flag, String(item)]);
    });
}

/** A registry that anyone may push to, with one image. */
async function startUpstream(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const configFile = path.join(folder, "upstream.json");
    fs.writeFileSync(
        configFile,
        JSON.stringify({
            distSpecVersion: "1.1.1",
            storage: { rootDirectory: path.join(folder, "upstream") },
            http: { address: "127.0.0.1", port: String(port) },
            log: { level: "error" },
        }),
    );
    const child: ChildProcess = spawn(readMachine().zot.path, ["serve", configFile], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const deadline = Date.now() + 120_000;
    while (
        !(await fetch(`${url}/readyz`).then(
            (answer) => answer.ok,
            () => false,
        ))
    ) {
        if (Date.now() > deadline || child.exitCode !== null) throw new Error("The upstream registry did not start.");
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const status = await new RegistryClient(url).push("library/app", "v1", "from upstream");
    if (status !== 201) throw new Error(`The upstream registry answered ${status} to a push.`);
    return {
        url,
        async stop() {
            child.kill("SIGTERM");
            await ended;
        },
    };
}
