/** npm run config -- --from: what a host's config has besides, taken over by a person at a terminal. */
import * as fs from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { project, run } from "../projectCommand";

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
                "Kept in zot.extraConfig, written to Pulumi.site.yaml:",
                "  storage.dedupe",
                "  http.allowOrigin",
                "  extensions.events.enable",
                "",
                "Decided by settings, with other values; correct them if the host is right:",
                '  log.level: "debug" on the host, "info" by zot.logLevel',
                "",
                "Replaced by this program. If nothing of it has to stay, name it in zot.dropSettings:",
                "  http.accessControl.repositories.tools/**",
                "",
                "Not kept:",
                "  extensions.events.sinks[0].password is a secret, " +
                    "but zot's config and the stack's outputs show it; " +
                    "leave it out, and give it to zot in a credentials file or in its environment.",
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
                "Replaced by this program. If nothing of it has to stay, name it in zot.dropSettings:",
                "  http.auth.htpasswd",
                "",
                "Logins that end with the first deployment, and who will be locked out:",
                "  http.auth.htpasswd: whoever has a name and a password in /etc/zot/htpasswd",
                "",
                "Accounts that zot will still know, with their keys and the groups of their last login, " +
                    "until they are ended (docs/operations.md, Accounts of before):",
                "  those whose name is an e-mail address, " +
                    "because the config took user names from no other claim " +
                    "(http.auth.openid.providers.oidc.claimMapping)",
                "  those of whoever has a name and a password in /etc/zot/htpasswd (http.auth.htpasswd)",
                "",
                "Who loses what with the first deployment:",
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
                "Kept as settings, written to Pulumi.site.yaml:",
                "  zot.search: false, because it is off on the host",
                "  zot.userInterface: false, because it is off on the host",
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
            /^The config host\.json is not JSON\. Name a copy of the config\.json on the registry's host\.\n$/,
        ],
        ["is no object", "[]", /^The config host\.json is not a JSON object\./],
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
