/** What is committed beside the code: the declarations in Pulumi.yaml, the reference, and the stacks. */
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { projectConfig, projectTemplate, settingsMarkdown } from "../../../cli/shared/settingsReference";
import { declaredState } from "../../../components/declaredState";
import { allSettings, parseSettings } from "../../../components/settings";
import { settingsFromStackFile, stacksWithFile } from "../../../components/settings/fromStackFile";
import { HOST_KEY, rawSettings } from "../../support/settings";

const root = path.resolve(__dirname, "../../..");
const text = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

test("Pulumi.yaml declares every setting as `npm run settings` would write it", () => {
    expect((parse(text("Pulumi.yaml")) as { config: unknown }).config).toEqual(projectConfig());
});

test("pulumi new asks for what there is no preview without, in the words of the settings", () => {
    expect((parse(text("Pulumi.yaml")) as { template: unknown }).template).toEqual(projectTemplate());
    const site = { ...rawSettings(), groups: {} };
    const missing = parseSettings(site).mistakes.map(({ setting }) => setting);
    // A key for SSH is a file's, and an agent has it as well.
    const asked = Object.keys(projectTemplate().config as object).filter((name) => !name.startsWith("authentik:"));
    expect(asked).toEqual(missing.filter((name) => name !== "host.privateKey"));
});

test("what pulumi new writes flat is read in its place, behind what is written nested", () => {
    const { groups } = rawSettings();
    const { registry: _, ...others } = groups as Record<string, Record<string, unknown>>;
    const read = (more: Record<string, unknown>) => parseSettings({ ...rawSettings(), groups: { ...others, ...more } });
    const flat = { "registry.url": "https://flat.example.org", "host.port": "2222" };
    // Below the defaults of the project, as Pulumi merges them.
    const merged = read({ ...flat, registry: { url: "" }, host: { ...others.host, port: 22 } });
    expect([merged.mistakes, merged.settings.registry.url, merged.settings.host.port]).toEqual([
        [],
        "https://flat.example.org",
        2222,
    ]);
    const nested = read({
        ...flat,
        registry: { url: "https://own.example.org" },
        host: { ...others.host, port: 2022 },
    });
    expect([nested.settings.registry.url, nested.settings.host.port]).toEqual(["https://own.example.org", 2022]);
    expect(read({ ...flat, "registry.uri": "x" }).mistakes.map(({ message }) => message)).toEqual([
        expect.stringContaining("did you mean registry.url?"),
    ]);
});

describe("Pulumi.example.yaml", () => {
    test("is no stack, and each of its placeholders is refused by the name of its setting", () => {
        expect(stacksWithFile(root)).not.toContain("example");
        const placeholders = [...text("Pulumi.example.yaml").matchAll(/: (<[^<>\n]+>)$/gm)].map(([, one]) => one!);
        const { mistakes } = parseSettings({ ...settingsFromStackFile(root, "example"), site: undefined });
        expect(mistakes.map(({ message }) => /still has the placeholder "(.*?)"[:;]/.exec(message)?.[1])).toEqual(
            placeholders,
        );
        expect(mistakes.map(({ setting }) => setting)).toEqual([
            "authentik:url",
            "registry.url",
            "zot.binary",
            "zot.configFile",
            "zot.rootDirectory",
            "identity.issuer",
            "host.address",
            "host.user",
            "host.hostKey",
        ]);
    });

    test("is the smallest one: with values in their places it passes, and without one of them it does not", () => {
        const named = {
            "registry.url": "https://r.example",
            "zot.binary": "/b",
            "zot.configFile": "/c/c.json",
            "zot.rootDirectory": "/d",
            "identity.issuer": "https://a.example/application/o/zot/",
            "host.address": "h",
            "host.user": "u",
            "host.hostKey": HOST_KEY,
        };
        const groups = settingsFromStackFile(root, "example").groups as Record<string, Record<string, unknown>>;
        for (const [name, value] of Object.entries(named)) {
            const [group, key] = name.split(".") as [string, string];
            expect(groups[group]![key]).toMatch(/^<.*>$/);
            groups[group]![key] = value;
        }
        const site = { hasAuthentikUrl: true, hasAuthentikToken: true, sshAgentSocket: "/agent" };
        expect(() => declaredState({ groups, site })).not.toThrow();
    });
});

test("docs/settings.md is as `npm run settings` would write it", () => {
    expect(text("docs/settings.md")).toBe(settingsMarkdown());
});

test("every setting says what it means, what is allowed, and whether it is a secret", () => {
    for (const { name, setting } of allSettings()) {
        expect(`${name}: ${setting.description}`).toMatch(/^[\w.]+: [A-Z].*\.$/);
        expect(setting.allowed).not.toBe("");
        expect([name, setting.secret ?? false]).toEqual([
            name,
            [
                ...["storage.accessKeyId", "storage.secretAccessKey", "redis.password"],
                ...["host.privateKey", "host.privateKeyPassphrase", "host.password"],
            ].includes(name),
        ]);
        // Without a default a site has to give it, or it may be left out; a secret never has one.
        if (setting.optional || setting.secret) expect([name, setting.default]).toEqual([name, undefined]);
        if (setting.default !== undefined) expect(setting.schema.safeParse(setting.default).success).toBe(true);
    }
});

test("the defaults are the secure ones", () => {
    const fallback = Object.fromEntries(allSettings().map(({ name, setting }) => [name, setting.default]));
    expect(fallback).toMatchObject({
        "zot.address": "127.0.0.1",
        "zot.metrics": "off",
        "access.adminsMayUpdate": false,
        "access.ciMayPushToMirrors": false,
        "access.rules": {},
        "zot.mirrors": [],
    });
});

test.each(stacksWithFile(root))("the stack %s has no mistake in it", (stack) => {
    expect(() => declaredState(settingsFromStackFile(root, stack))).not.toThrow();
});

describe("Pulumi.prod.yaml", () => {
    const raw = settingsFromStackFile(root, "prod");
    const { settings } = declaredState(raw);

    test("is the baseline site in full", () => {
        const mirror = (host: string, prefix: string) => ({ url: `https://${host}`, prefix });
        const site = {
            registry: { url: "https://registry.ops.eblu.me" },
            zot: {
                binary: "/Users/erichblume/code/3rd/zot/bin/zot-darwin-arm64",
                configFile: "/Users/erichblume/.config/zot/config.json",
                rootDirectory: "/Users/erichblume/zot",
                address: "0.0.0.0",
                port: 5050,
                garbageCollection: true,
                garbageCollectionDelay: "1h",
                garbageCollectionInterval: "24h",
                mirrors: [
                    mirror("registry-1.docker.io", "docker.io"),
                    mirror("ghcr.io", "ghcr.io"),
                    mirror("quay.io", "quay.io"),
                ],
                metrics: "anonymous",
                metricsUsers: [],
                metricsPath: "/metrics",
                search: true,
                vulnerabilityUpdateInterval: "24h",
                userInterface: true,
                logLevel: "info",
                extraConfig: {},
            },
            access: { ciRepositories: ["**"], ciMayPushToMirrors: false, adminsMayUpdate: false, rules: {} },
            identity: {
                issuer: "https://authentik.ops.eblu.me/application/o/zot/",
                applicationSlug: "zot",
                applicationName: "Zot Registry",
                providerName: "Zot",
                clientId: "zot",
                authorizationFlow: "default-provider-authorization-implicit-consent",
                invalidationFlow: "default-provider-invalidation-flow",
                signingKey: "authentik Self-signed Certificate",
                workloadsGroup: "artifact-workloads",
                adminsGroup: "admins",
                ciUser: "zot-ci",
                // The site's default flow demands a second factor.
                ciLoginFlow: "dedicated",
                manageWorkloads: true,
                acceptRename: false,
            },
        };
        const { host, ...policy } = settings;
        expect(policy).toMatchObject(site);
        expect(host).toMatchObject({
            port: 22,
            user: "erichblume",
            serviceManager: "launchd-agent",
            serviceName: "mcquack.eblume.zot",
        });
        expect(text("Pulumi.prod.yaml")).toContain("authentik:url: https://authentik.ops.eblu.me");
    });

    test("holds nothing that only the site knows", () => {
        expect(
            Object.keys(raw.groups.host as object).filter((key) => !(raw.groups.host as Record<string, unknown>)[key]),
        ).toEqual(expect.arrayContaining(["address", "hostKey", "privateKey", "privateKeyPassphrase", "password"]));
        expect(text("Pulumi.prod.yaml")).not.toMatch(/secure:|encryptionsalt|^\s+authentik:token/m);
    });

    test("so that a program on it asks for just that, with the commands", () => {
        const site = { hasAuthentikUrl: true, hasAuthentikToken: false, sshAgentSocket: undefined };
        expect(() => declaredState({ ...raw, site }, "the stack prod")).toThrow(
            [
                "There are 4 mistakes in the settings of the stack prod:",
                "  - host.address is not set: Name or address of the registry's host, for SSH. " +
                    "Set it with: pulumi config set --path host.address registry-host.example.org",
                "  - host.hostKey is not set: The host's public SSH key, a line of known_hosts; " +
                    "a host with another key is refused. " +
                    'Set it with: pulumi config set --path host.hostKey "$(ssh-keyscan -t ed25519 HOST)". ' +
                    "If it was set by that command, a scan that finds nothing prints nothing: " +
                    "look at the address, at the port (ssh-keyscan -p PORT), at a firewall, " +
                    "and whether the host has a key of that type (ed25519, ecdsa).",
                "  - host.privateKey: it is not set, host.password is not set either, and no SSH agent is running; " +
                    "set it with: pulumi config set --path host.privateKey --secret < ~/.ssh/id_ed25519",
                "  - authentik:token is not set: an API token of Authentik. " +
                    "Set it with: pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
            ].join("\n"),
        );
    });
});
