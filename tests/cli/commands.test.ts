/** The commands that need no engine, as an operator runs them. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { declaredState } from "../../components/declaredState";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { configText } from "../../components/zotConfig";

const root = path.resolve(__dirname, "../..");
const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };
const programs = {
    config: compiled("cli/config.ts"),
    "host-rights": compiled("cli/host-rights.ts"),
    matrix: compiled("cli/matrix.ts"),
    settings: compiled("cli/settings.ts"),
};
const folders: string[] = [];

jest.setTimeout(60_000);
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

/** Runs a command with nothing of Pulumi in the environment. */
function run(command: keyof typeof programs, args: string[], cwd = root) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [programs[command], ...args], {
        cwd,
        encoding: "utf8",
        env: { PATH: "/usr/bin:/bin" },
        timeout: 30_000,
    });
    return { status, stdout, stderr };
}

/** A project of its own with the declarations of this one. */
function project(stacks: Record<string, object | string>): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cli-test-"));
    folders.push(folder);
    fs.copyFileSync(path.join(root, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
    for (const [name, content] of Object.entries(stacks))
        fs.writeFileSync(
            path.join(folder, `Pulumi.${name}.yaml`),
            typeof content === "string" ? content : stringify(content),
        );
    return folder;
}

const declared = (stack: string) => declaredState(settingsFromStackFile(root, stack));

test.each(["prod", "demo"])("npm run config prints what the stack %s would push", (stack) => {
    expect(run("config", ["--stack", stack])).toEqual({
        status: 0,
        stdout: configText(declared(stack).zotConfig()),
        stderr: "",
    });
    expect(run("config", ["-s", stack, "--json"])).toEqual({
        status: 0,
        stdout: configText(declared(stack).zotConfig()),
        stderr: "",
    });
});

describe("npm run matrix", () => {
    test("as a table", () => {
        const { status, stdout, stderr } = run("matrix", ["--stack", "demo"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toBe(
            [
                "repositories       who                       read    create  update  delete",
                "**                 anonymous                 yes     -       -       -",
                "                   logged in, no group       yes     -       -       -",
                "                   group artifact-workloads  yes     yes     -       -",
                "                   group admins              yes     yes     -       yes",
                "mirror.example/**  anonymous                 yes     -       -       -",
                "                   logged in, no group       yes     -       -       -",
                "                   group artifact-workloads  yes     -       -       -",
                "                   group admins              yes     yes     -       yes",
                "",
            ].join("\n"),
        );
    });

    test("as JSON", () => {
        const { status, stdout } = run("matrix", ["--stack", "prod", "--json"]);
        expect(status).toBe(0);
        expect(JSON.parse(stdout)).toEqual(declared("prod").matrix);
    });

    test("as Markdown, every row complete", () => {
        const { status, stdout } = run("matrix", ["--stack", "demo", "--markdown"]);
        expect(status).toBe(0);
        expect(stdout.split("\n").slice(0, 4)).toEqual([
            "| repositories | who | read | create | update | delete |",
            "|---|---|---|---|---|---|",
            "| `**` | anonymous | yes | – | – | – |",
            "| `**` | logged in, no group | yes | – | – | – |",
        ]);
    });

    test("not as both", () => {
        const { status, stderr } = run("matrix", ["--stack", "demo", "--json", "--markdown"]);
        expect(status).toBe(2);
        expect(stderr).toMatch(/'--(json|markdown)'? cannot be used with option '--(json|markdown)'/);
    });
});

describe.each(["config", "matrix"] as const)("npm run %s", (command) => {
    test("explains itself, with an example that works", () => {
        const { status, stdout, stderr } = run(command, ["--help"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(/^Usage: npm run \w+ -- \[options\]\n\nPrints .*\.\n/);
        const [, args] = new RegExp(`Example:\n  npm run --silent ${command} -- (.+)\n`).exec(stdout)!;
        expect(run(command, args!.split(" ")).status).toBe(0);
        expect(stdout).toContain(
            "Exit code: 0 done, 1 a mistake in the settings or the stack's name, or it could not be done, " +
                "2 a mistake on the command line, 3 a defect.",
        );
    });

    test("asks which stack", () => {
        expect(run(command, [])).toEqual({
            status: 2,
            stdout: "",
            stderr: expect.stringMatching(
                /^Which stack\? Name one with --stack; those with a file here: .*demo.*prod.*\.\n/,
            ),
        });
    });

    test("says that there is no such stack", () => {
        expect(run(command, ["--stack", "prdo"])).toEqual({
            status: 1,
            stdout: "",
            stderr: expect.stringMatching(
                /^There is no stack "prdo": .*Pulumi\.prdo\.yaml does not exist\. Stacks with a file here: .*prod.*\.\n$/,
            ),
        });
    });

    test.each([[["--stak", "prod"]], [["--stack"]], [["--stack", "prod", "demo"]]])(
        "refuses the command line %j",
        (args) => {
            const { status, stdout, stderr } = run(command, args);
            expect([status, stdout]).toEqual([2, ""]);
            expect(stderr).toMatch(/^error: .*\n(.*\n)?\(add --help for more\)\n/);
        },
    );

    test("works below the project's folder, and says where there is none", () => {
        expect(run(command, ["--stack", "prod"], path.join(root, "components", "settings")).status).toBe(0);
        const nowhere = fs.mkdtempSync(path.join(os.tmpdir(), "cli-test-"));
        folders.push(nowhere);
        expect(run(command, ["--stack", "prod"], nowhere)).toEqual({
            status: 1,
            stdout: "",
            stderr:
                `There is no Pulumi.yaml in ${fs.realpathSync(nowhere)} or above; ` +
                `run this in the project's folder.\n`,
        });
    });

    test("tells every mistake, without a stack trace, and as JSON where asked", () => {
        const folder = project({
            test: {
                config: {
                    "zot-hardening:registry": { url: "http://registry.example.org" },
                    "zot-hardening:zot": { prot: 1 },
                    "zot-hardening:host": { password: "canary" },
                },
            },
        });
        const { status, stdout, stderr } = run(command, ["--stack", "test"], folder);
        expect([status, stdout]).toEqual([1, ""]);
        const lines = stderr.trimEnd().split("\n");
        expect(lines[0]).toBe("There are 7 mistakes in the settings of Pulumi.test.yaml:");
        expect(lines).toHaveLength(8);
        expect(stderr).not.toMatch(/canary|^\s+at /m);

        const asJson = run(command, ["--stack", "test", "--json"], folder);
        expect([asJson.status, asJson.stderr]).toEqual([1, stderr]);
        const { mistakes } = JSON.parse(asJson.stdout) as { mistakes: { setting: string; message: string }[] };
        expect(mistakes.map((mistake) => `  - ${mistake.message}`)).toEqual(lines.slice(1));
        expect(mistakes.map((mistake) => mistake.setting)).toEqual([
            "zot.prot",
            "registry.url",
            "zot.binary",
            "zot.configFile",
            "zot.rootDirectory",
            "identity.issuer",
            "host.password",
        ]);
    });

    test("says what is wrong with a file that is no YAML", () => {
        const { status, stderr } = run(command, ["--stack", "test"], project({ test: "config: [" }));
        expect(status).toBe(1);
        expect(stderr).toMatch(/^The stack's file .*Pulumi\.test\.yaml is not YAML as Pulumi reads it, line 1: .*\n$/);
    });

    test("needs no secret: encrypted ones stay closed", () => {
        const config = {
            ...(
                parse(fs.readFileSync(path.join(root, "Pulumi.prod.yaml"), "utf8")) as {
                    config: Record<string, object>;
                }
            ).config,
        };
        config["zot-hardening:host"] = {
            ...config["zot-hardening:host"],
            privateKey: { secure: "v1:AAAA:BBBB" },
            hostKey: { secure: "v1:AAAA:BBBB" },
        };
        expect(run(command, ["--stack", "test"], project({ test: { config, encryptionsalt: "v1:x" } })).stdout).toBe(
            run(command, ["--stack", "prod"]).stdout,
        );
    });
});

test("npm run settings writes the declarations and the reference, and keeps the rest of Pulumi.yaml", () => {
    const folder = project({});
    const file = path.join(folder, "Pulumi.yaml");
    const whole = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, whole.replace(/^config:[\s\S]*/m, "config:\n  zot.port:\n    default: 1\n"));
    expect(run("settings", [], folder)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(fs.readFileSync(file, "utf8")).toBe(whole);
    expect(fs.readFileSync(path.join(folder, "docs/settings.md"), "utf8")).toBe(
        fs.readFileSync(path.join(root, "docs/settings.md"), "utf8"),
    );
});

describe("npm run config -- --from", () => {
    const site = (zot: object = {}) => `# The site's own words.
config:
  zot-hardening:registry:
    url: https://registry.example.org # where people pull
  zot-hardening:zot:
${stringify({ binary: "/usr/local/bin/zot", configFile: "/etc/zot/config.json", rootDirectory: "/var/lib/zot", ...zot })
    .replace(/^/gm, "    ")
    .trimEnd()}
  zot-hardening:identity:
    issuer: https://authentik.example.org/application/o/zot/
  zot-hardening:host:
    address: registry-host.example.org
    user: zot
`;
    const onHost = {
        storage: { rootDirectory: "/var/lib/zot", dedupe: false },
        http: {
            address: "127.0.0.1",
            port: "5000",
            allowOrigin: "https://ui.example.org",
            accessControl: { repositories: { "tools/**": { anonymousPolicy: ["read"] } } },
        },
        log: { level: "debug" },
        extensions: { events: { enable: true, sinks: [{ type: "http", password: "canary" }] } },
    };
    const withHostConfig = (stack: string, content: unknown = onHost) => {
        const folder = project({ site: stack });
        fs.writeFileSync(
            path.join(folder, "host.json"),
            typeof content === "string" ? content : JSON.stringify(content),
        );
        return folder;
    };
    const stackFile = (folder: string) => fs.readFileSync(path.join(folder, "Pulumi.site.yaml"), "utf8");

    test("what the host has besides is written to the stack's file, and stays there", () => {
        const folder = withHostConfig(site({ extraConfig: { http: { ratelimit: { rate: 10 } } } }));
        const { status, stdout, stderr } = run("config", ["--stack", "site", "--from", "host.json"], folder);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toBe(
            [
                "Kept by zot.extraConfig, which was written to Pulumi.site.yaml:",
                "  storage.dedupe",
                "  http.allowOrigin",
                "  extensions.events.enable",
                "",
                "Decided by settings of their own, and differently; correct those where the host is right:",
                '  log.level: "debug" on the host, "info" by zot.logLevel',
                "",
                "Replaced by this program. If nothing of it is to stay, name it in zot.dropSettings:",
                "  http.accessControl.repositories.tools/**",
                "",
                "Not kept:",
                "  extensions.events.sinks[0].password is a secret, " +
                    "but zot's config and the stack's outputs show it; " +
                    "leave it out, and give it to zot by a credentials file or in zot's environment.",
                "",
            ].join("\n"),
        );
        const file = stackFile(folder);
        expect(file).toContain("# The site's own words.");
        expect(file).toContain("url: https://registry.example.org # where people pull");
        expect(parse(file).config["zot-hardening:zot"].extraConfig).toEqual({
            http: { ratelimit: { rate: 10 }, allowOrigin: "https://ui.example.org" },
            storage: { dedupe: false },
            extensions: { events: { enable: true } },
        });
        const config = JSON.parse(run("config", ["--stack", "site"], folder).stdout);
        expect(config).toMatchObject({
            storage: { dedupe: false },
            http: { allowOrigin: "https://ui.example.org", ratelimit: { rate: 10 } },
        });
        // A second time there is nothing to keep.
        run("config", ["--stack", "site", "--from", "host.json"], folder);
        expect(stackFile(folder)).toBe(file);
    });

    test("names the logins that end, whom that locks out, and whose accounts stay in zot", () => {
        const provider = {
            clientid: "zot",
            issuer: "https://authentik.example.org/application/o/zot/",
            scopes: ["openid"],
        };
        const auth = { htpasswd: { path: "/etc/zot/htpasswd" }, openid: { providers: { oidc: provider } } };
        const folder = withHostConfig(site(), { http: { address: "127.0.0.1", port: "5000", auth } });
        const { status, stdout } = run("config", ["--stack", "site", "--from", "host.json"], folder);
        expect(status).toBe(0);
        expect(stdout).toBe(
            [
                "Replaced by this program. If nothing of it is to stay, name it in zot.dropSettings:",
                "  http.auth.htpasswd",
                "",
                "Logins that end with the first push, and whom that locks out:",
                "  http.auth.htpasswd: whoever has a name and a password in /etc/zot/htpasswd",
                "",
                "Accounts that zot goes on knowing, with their keys and the groups of their last login, " +
                    "until they are ended (docs/operations.md, Accounts of before):",
                "  those whose name is an e-mail address, " +
                    "since the config took the user's name from no other claim " +
                    "(http.auth.openid.providers.oidc.claimMapping)",
                "  those of whoever has a name and a password in /etc/zot/htpasswd (http.auth.htpasswd)",
                "",
                "Who loses what with the first push:",
                "  anyone who is logged in may no longer create, update and delete on `**`.",
                "",
            ].join("\n"),
        );
        const found = JSON.parse(run("config", ["--stack", "site", "--from", "host.json", "--json"], folder).stdout);
        expect(found.logins).toEqual([
            { path: "http.auth.htpasswd", who: "whoever has a name and a password in /etc/zot/htpasswd" },
        ]);
        expect(found.accounts).toHaveLength(2);
    });

    test("--print writes nothing, and --json is for programs", () => {
        const folder = withHostConfig(site());
        const before = stackFile(folder);
        const { stdout } = run("config", ["--stack", "site", "--from", "host.json", "--print"], folder);
        expect(stdout).toContain("zot.extraConfig:\n  storage:\n    dedupe: false\n");
        const { kept, extraConfig } = JSON.parse(
            run("config", ["--stack", "site", "--from", "host.json", "--print", "--json"], folder).stdout,
        );
        expect([kept, extraConfig.http]).toEqual([
            ["storage.dedupe", "http.allowOrigin", "extensions.events.enable"],
            { allowOrigin: "https://ui.example.org" },
        ]);
        expect(stackFile(folder)).toBe(before);
    });

    test("a cache becomes an item of zot.mirrors, and what a build cannot do is said", () => {
        const sync = {
            enable: true,
            registries: [
                { urls: ["https://docker.io"], onDemand: true, content: [{ prefix: "**", destination: "/docker.io" }] },
                { urls: ["http://old.example.org"], onDemand: true, content: [{ prefix: "a/**" }] },
            ],
        };
        const folder = withHostConfig(site(), { ...onHost, extensions: { sync, search: { enable: false } } });
        const version = '{"message":"version","binary-type":"minimal"}';
        const { status, stdout, stderr } = run(
            "config",
            ["--stack", "site", "--from", "host.json", "--zot-version", version],
            folder,
        );
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toContain(
            [
                "Kept as settings, which were written to Pulumi.site.yaml:",
                "  zot.search: false, as it is off on the host",
                "  zot.userInterface: false, as it is off on the host",
                "  zot.mirrors: https://docker.io under docker.io",
                "  access.rules: CI may only read a/**",
                "",
            ].join("\n"),
        );
        expect(stdout).toContain(
            "\n  http://old.example.org: over plain http, logins and keys could be read on the way\n",
        );
        expect(stdout).toContain("\n  it has no sync: pull-through caches fetch nothing (zot.mirrors).\n");
        const { config } = parse(stackFile(folder));
        expect(config["zot-hardening:zot"]).toMatchObject({
            search: false,
            userInterface: false,
            mirrors: [{ url: "https://docker.io", prefix: "docker.io" }],
            extraConfig: { extensions: { sync: { registries: [{ urls: ["http://old.example.org"] }] } } },
        });
        expect(config["zot-hardening:access"]).toEqual({ rules: { "a/**": { ci: ["read"] } } });
        expect(run("config", ["--stack", "site"], folder).status).toBe(0);
    });

    test("what the settings would refuse with it is refused, and nothing is written", () => {
        // The stack's own rights reach into the cache.
        const stack = site().replace(
            "  zot-hardening:identity:",
            '  zot-hardening:access:\n    ciRepositories: ["docker.io/**"]\n  zot-hardening:identity:',
        );
        const sync = {
            enable: true,
            registries: [
                { urls: ["https://docker.io"], onDemand: true, content: [{ prefix: "**", destination: "/docker.io" }] },
            ],
        };
        const folder = withHostConfig(stack, { ...onHost, extensions: { sync } });
        const before = stackFile(folder);
        const { status, stderr } = run("config", ["--stack", "site", "--from", "host.json"], folder);
        expect(status).toBe(1);
        expect(stderr).toContain('"docker.io/**" reaches into the pull-through cache under "docker.io"');
        expect(stackFile(folder)).toBe(before);
    });

    test("a config in YAML", () => {
        const folder = withHostConfig(site());
        fs.writeFileSync(path.join(folder, "host.yaml"), "storage: {dedupe: false}\nhttp: {port: 5000}\n");
        expect(run("config", ["--stack", "site", "--from", "host.yaml"], folder).status).toBe(0);
        expect(parse(stackFile(folder)).config["zot-hardening:zot"].extraConfig).toEqual({
            storage: { dedupe: false },
        });
    });

    test.each([
        [
            "is no JSON",
            "{ secret",
            /^The config host\.json is no JSON\. Name a copy of the config\.json on the registry's host\.\n$/,
        ],
        ["is no object", "[]", /^The config host\.json is no JSON object\./],
    ])("a file that %s", (_what, content, message) => {
        const { status, stderr } = run(
            "config",
            ["--stack", "site", "--from", "host.json"],
            withHostConfig(site(), content),
        );
        expect(status).toBe(1);
        expect(stderr).toMatch(message);
    });

    test("a file that is not there", () => {
        const { status, stderr } = run("config", ["--stack", "site", "--from", "missing.json"], withHostConfig(site()));
        expect([status, stderr]).toEqual([
            1,
            "The config missing.json cannot be read: ENOENT. Name a copy of the config.json on the registry's host.\n",
        ]);
    });
});

test.each(['    user: ""\n', ""])("host-rights gives no rights to nobody: %j in place of host.user", (line) => {
    const site = fs
        .readFileSync(path.join(root, "Pulumi.prod.yaml"), "utf8")
        .replace(/^ {4}user: .*\n/m, line)
        .replace(/^ {4}serviceManager: .*\n/m, "    serviceManager: systemd\n    sudo: service\n")
        .replace(/^ {4}startWithoutIssuer: .*\n/m, "");
    const { status, stdout, stderr } = run("host-rights", ["--stack", "site"], project({ site }));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("host.user is not set");
});
