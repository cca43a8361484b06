/** What a look says and refuses in the place of a deployment: before anything is changed, and all of it at once. */
import * as fs from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import type { PropertyMap } from "../../../providers/protocol";
import { type ObservedHost, observationDriver, startObservedHost } from "./hostObservation.host";

jest.setTimeout(120_000);

let host: ObservedHost;
let temporary: string;
let server: Server;
let origin: string;
/** What the server answers, by path: a status and a body. */
let answers: Record<string, [number, string]>;

beforeAll(async () => {
    temporary = fs.mkdtempSync(path.join(os.tmpdir(), "observed-tmp-"));
    host = await startObservedHost({
        kind: "embedded",
        environment: { PATH: process.env.PATH ?? "/usr/bin:/bin", TMPDIR: temporary },
    });
    server = createServer((request, response) => {
        const [status, body] = answers[request.url!] ?? [404, ""];
        response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
    server?.close();
    await host?.stop();
    fs.rmSync(temporary, { recursive: true, force: true });
});
beforeEach(async () => {
    answers = { "/-/health/live/": [200, ""] };
    await host.repair();
});

const DOCUMENT = "/application/o/zot/.well-known/openid-configuration";
const FIRST = /The first deployment to 127\.0\.0\.1: zot restarts once; after that nobody can push without a login/;

/** What a stack declares: anyone reads, CI adds, and who logs in does so by the issuer. */
function planned(changes: { http?: object } = {}): string {
    const present = JSON.parse(host.config) as { storage: object; http: object };
    const folder = path.dirname(host.configFile);
    const auth = {
        openid: {
            providers: {
                oidc: {
                    name: "Zot",
                    credentialsFile: `${folder}/oidc-credentials.<sha256>.json`,
                    issuer: `${origin}/application/o/zot/`,
                    scopes: ["openid", "profile"],
                },
            },
        },
        apikey: true,
        sessionKeysFile: `${folder}/session-keys.<sha256>.json`,
    };
    const repositories = {
        "**": {
            anonymousPolicy: ["read"],
            defaultPolicy: ["read"],
            policies: [{ groups: ["artifact-workloads"], actions: ["read", "create"] }],
        },
    };
    return `${JSON.stringify({ ...present, http: { ...present.http, auth, accessControl: { repositories }, ...changes.http }, log: { level: "info" } }, null, 2)}\n`;
}

function inputs(changes: PropertyMap = {}): PropertyMap {
    return {
        ...host.inputs,
        plannedConfig: planned(),
        plannedReadOnlyConfig: host.config,
        restartCommand: "true",
        registryUrl: "https://registry.example.org",
        workloadsGroup: "artifact-workloads",
        adminsGroup: "admins",
        ...changes,
    };
}

/** The first preview's refusal. */
async function refusal(
    changes: PropertyMap = {},
    options: Parameters<typeof observationDriver>[0] = {},
): Promise<string> {
    return observationDriver(options)
        .preview(inputs(changes))
        .then(
            () => "nothing was refused",
            (error: Error) => error.message,
        );
}

function openRegistry(more: object = {}): void {
    const { storage, http } = JSON.parse(host.config) as { storage: object; http: { address: string; port: string } };
    fs.writeFileSync(
        host.configFile,
        JSON.stringify({ storage, http: { address: http.address, port: http.port }, ...more }),
    );
}

/** What a look left behind; the stand-in for zot is a program of Node's, which keeps its compiled code there. */
const leftIn = (folder: string) => fs.readdirSync(folder).filter((name) => name !== "node-compile-cache");

test(
    "the first preview says what the first deployment will do, in one connection, " + "and leaves nothing behind",
    async () => {
        openRegistry();
        const driver = observationDriver();
        const [connections, files] = [host.ssh.connections(), fs.readdirSync(host.folder)];
        expect(await driver.preview(inputs({ config: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" }))).toBe("create");
        expect(host.ssh.connections() - connections).toBe(1);
        expect(driver.said).toHaveLength(1);
        expect(driver.said[0]).toMatch(/^info: /);
        expect(driver.said[0]).toMatch(FIRST);
        expect(driver.said[0]).toContain("narrower  anonymous loses create, update and delete on `**`");
        expect(driver.said[0]).toContain("narrower  anyone who is logged in loses create, update and delete on `**`");
        expect(leftIn(temporary)).toEqual([]);
        expect(fs.readdirSync(host.folder)).toEqual(files);
    },
);

test("a host that has lost what it kept of its deployments is told as such, and not as one that had none", async () => {
    const driver = observationDriver();
    await driver.up(inputs());
    driver.said.length = 0;
    expect(await driver.preview(inputs())).toBe("same");
    expect(driver.said.join("\n")).toContain(`${host.configFile}.zot-hardening, is gone`);
    expect(driver.said.join("\n")).not.toMatch(FIRST);
});

test("such a host whose config is to change is told what to do, and not as one that had no deployment", async () => {
    const former = JSON.stringify({ ...JSON.parse(host.config), extensions: { scrub: { interval: "24h" } } });
    fs.writeFileSync(host.configFile, former);
    const driver = observationDriver();
    await driver.up(inputs({ config: former, plannedConfig: former }));
    driver.said.length = 0;
    const failing = driver.preview(inputs());
    await expect(failing).rejects.toThrow("[ZH-FIRST-WOULD-REMOVE]");
    const said = driver.said.join("\n");
    expect(said).toMatch(
        /^warning: The record of deployments to .*\.zot-hardening, is gone\. The next deployment compares .* as a first one does: .*zot\.dropSettings/,
    );
    expect(said).toContain("The next deployment to 127.0.0.1: zot restarts once");
    expect(said).not.toContain("The first deployment");
    // What was declared never came there.
    openRegistry();
    driver.said.length = 0;
    await driver.preview(inputs());
    expect(driver.said.join("\n")).toMatch(FIRST);
    expect(driver.said.join("\n")).not.toContain("is gone");
});

test("who is let in that was not is a warning", async () => {
    openRegistry({
        http: {
            ...(JSON.parse(host.config) as { http: object }).http,
            auth: { htpasswd: { path: "/etc/zot/htpasswd" } },
            accessControl: {},
        },
    });
    const driver = observationDriver();
    await driver.preview(inputs({ dropSettings: ["http.auth.htpasswd"] }));
    expect(driver.said.join("\n")).toMatch(/^warning: The first deployment/m);
    expect(driver.said.join("\n")).toContain("WIDER     anonymous gains read on `**`");
});

describe("a restart command whose program is certainly not to be run", () => {
    beforeEach(() => openRegistry({}));

    test("is found before anything is changed", async () => {
        const plain = path.join(host.folder, "plain");
        fs.writeFileSync(plain, "#!/bin/sh\n", { mode: 0o644 });
        for (const [restartCommand, tells] of [
            ["/no/such/restart zot", "begins with /no/such/restart, which is not on the host"],
            [`${plain} now; true`, `begins with ${plain}, which is no program that`],
            [`${temporary} now`, `begins with ${temporary}, which is no program that`],
            ["no-such-restarts-zot zot && true", "begins with no-such-restarts-zot, which is not in the PATH"],
        ] as const)
            expect(await refusal({ plannedConfig: planned(), restartCommand })).toContain(
                `host.restartCommand ${tells}`,
            );
        expect(
            await refusal({ plannedConfig: planned(), restartCommand: "/no/such/restart", sudo: "service" }),
        ).toContain("[ZH-RESTART-COMMAND-NOT-THERE]");
    });

    test.each([
        ["a program on the PATH", "sleep 0"],
        ["a word of the shell", "if true; then true; fi"],
        ["what the shell does itself", "cd / && ls"],
        ["a variable first", "ZOT=1 no-such-restarts-zot"],
        ["quotes", '"/no/such restart" zot'],
        ["a path from home", "bin/no-such-restarts-zot"],
        ["something to be put in", "$HOME/no-such-restarts-zot"],
    ])("is not told of %s", async (_what, restartCommand) => {
        expect(
            await refusal({ plannedConfig: planned(), restartCommand, rootDirectory: "/no/such/images" }),
        ).not.toContain("host.restartCommand");
    });
});

test("all that a deployment would be refused for is told at once, with what was found elsewhere", async () => {
    openRegistry({ extensions: { scrub: { interval: "24h" } } });
    const message = await refusal(
        {
            plannedConfig: planned({ http: { nonsense: { x: 1 } } }),
            rootDirectory: "/no/such/images",
            restartCommand: "",
            mistakes: ['There is no group "admins" in Authentik.'],
        },
        { registryProblem: (url) => Promise.resolve(`registry.url, ${url}, does not answer.`) },
    );
    expect(message).toMatch(/^Before anything is changed, this has to be corrected:\n/);
    for (const part of [
        'There is no group "admins" in Authentik.',
        "zot's storage /no/such/images does not exist",
        "[ZH-RESTART-COMMAND-MISSING]",
        "the first deployment would remove: extensions",
        "zot does not accept the config (zot verify)",
        "registry.url, https://registry.example.org, does not answer.",
    ]) {
        expect(message).toContain(part);
    }
    expect(message).not.toContain("there is no user");
    expect(message.match(/^ {2}- /gm)).toHaveLength(6);
    expect(message).toMatch(/\nNothing was changed, on the host or in Authentik\.$/);
    expect(leftIn(temporary)).toEqual([]);
});

test("a host that cannot be reached is told with what was found elsewhere", async () => {
    const message = await refusal(
        { connection: { ...(host.inputs.connection as PropertyMap), port: 1 }, mistakes: ["There is no flow."] },
        { registryProblem: () => Promise.resolve("registry.url does not answer.") },
    );
    for (const part of [
        "refuses connections: no SSH server listens there",
        "There is no flow.",
        "registry.url does not answer.",
    ])
        expect(message).toContain(part);
});

test("a zot too old for immutable tags is refused in the first preview", async () => {
    const binary = path.join(host.folder, "old-zot");
    fs.writeFileSync(binary, '#!/bin/sh\necho \'{"commit":"v2.1.10-0-g0123456"}\'\n', { mode: 0o755 });
    expect(await refusal({ binary })).toMatch(
        /this has to be corrected: \S*old-zot is version v2\.1\.10-0-g0123456\. \[ZH-VERSION-OLD\] Before zot 2\.1\.19/,
    );
});

test("the issuer is asked from the host: there, not there yet, another one, or no Authentik at all", async () => {
    const refused = /this has to be corrected: .*\[ZH-ISSUER-NEEDED\]/;
    expect(await refusal()).toBe("nothing was refused");
    answers[DOCUMENT] = [200, JSON.stringify({ issuer: `${origin}/application/o/zot/` })];
    expect(await refusal()).toBe("nothing was refused");
    // One issuer for all applications, which pulumi up changes.
    answers[DOCUMENT] = [200, JSON.stringify({ issuer: `${origin}/` })];
    expect(await refusal()).toBe("nothing was refused");
    answers[DOCUMENT] = [200, JSON.stringify({ issuer: "http://auth.example.org/application/o/zot/" })];
    expect(await refusal()).toMatch(
        /names the issuer http:\/\/auth\.example\.org\/application\/o\/zot\/, and zot would not start/,
    );
    answers = {};
    expect(await refusal()).toMatch(/ZH-ISSUER-NO-AUTHENTIK/);
    answers[DOCUMENT] = [502, ""];
    expect(await refusal()).toMatch(refused);
    expect(await refusal({ plannedConfig: planned().replaceAll(origin, "http://127.0.0.1:1") })).toMatch(refused);
});

test("a registry's URL that does not answer is only told where zot does not run either", async () => {
    host.zot.stop();
    const driver = observationDriver({ registryProblem: () => Promise.resolve("registry.url does not answer.") });
    expect(await driver.preview(inputs())).toBe("create");
    expect(driver.said.join("\n")).toMatch(/warning: registry\.url does not answer\./);
    expect(driver.said.join("\n")).toMatch(/zot, which does not answer now, will be started; after that/);
});

describe("a host that was deployed to", () => {
    /** As a deployment has left it. */
    const deployed = () => {
        const push = `${host.configFile}.zot-hardening/pushes/1`;
        fs.mkdirSync(push, { recursive: true });
        fs.writeFileSync(path.join(push, "config.json"), host.config);
    };
    const started = async () => {
        deployed();
        const driver = observationDriver();
        await driver.up(inputs());
        driver.said.length = 0;
        return driver;
    };

    test("with nothing to deploy, what would be refused is a warning; with something it is an error", async () => {
        const driver = await started();
        expect(await driver.preview(inputs())).toBe("same");
        expect(driver.said).toEqual([]);
        expect(await driver.preview(inputs({ restartCommand: "" }))).toBe("same");
        expect(driver.said.join("\n")).toMatch(
            /^warning: A deployment to 127\.0\.0\.1 would be refused: host\.restartCommand is not set\. \[ZH-RESTART-COMMAND-MISSING\]$/,
        );
        const config = host.config.replace('"info"', '"warn"');
        await expect(driver.preview(inputs({ config, restartCommand: "" }))).rejects.toThrow(
            /host\.restartCommand is not set/,
        );
        // What was edited by hand is deployed again.
        fs.writeFileSync(host.configFile, config);
        await expect(driver.preview(inputs({ restartCommand: "" }))).rejects.toThrow(/host\.restartCommand is not set/);
    });

    test("an issuer that is not there yet is one that is new, not one that is gone", async () => {
        const plannedConfig = planned();
        const config = plannedConfig.replaceAll("<sha256>", "a".repeat(64));
        fs.writeFileSync(host.configFile, config);
        deployed();
        const driver = observationDriver();
        await driver.up(inputs({ config, plannedConfig }));
        const changed = (text: string) => text.replace('"info"', '"warn"');
        await expect(
            driver.preview(inputs({ config: changed(config), plannedConfig: changed(plannedConfig) })),
        ).rejects.toThrow(/zot cannot start without its issuer/);
        const renamed = (text: string) => text.replaceAll("/o/zot/", "/o/other/");
        expect(
            await driver.preview(inputs({ config: renamed(config), plannedConfig: renamed(plannedConfig) })),
        ).not.toBe("create");
    });

    test("the registry's URL is asked again where it changes", async () => {
        const driver = observationDriver({ registryProblem: (url) => Promise.resolve(`${url} does not answer.`) });
        deployed();
        await expect(driver.up(inputs())).rejects.toThrow("https://registry.example.org does not answer.");
        const other = observationDriver({
            registryProblem: (url) => Promise.resolve(url.includes("new") ? `${url} does not answer.` : undefined),
        });
        await other.up(inputs());
        expect(await other.preview(inputs())).toBe("same");
        await expect(other.preview(inputs({ registryUrl: "https://new.example.org" }))).rejects.toThrow(
            "https://new.example.org does not answer.",
        );
    });
});
