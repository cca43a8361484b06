/** What is committed beside the code: the declarations in Pulumi.yaml, the reference, and the stacks. */
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { projectConfig, settingsMarkdown } from "../../../cli/shared/settingsReference";
import { declaredState } from "../../../components/declaredState";
import { allSettings } from "../../../components/settings";
import { settingsFromStackFile, stacksWithFile } from "../../../components/settings/fromStackFile";

const root = path.resolve(__dirname, "../../..");
const text = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

test("Pulumi.yaml declares every setting as `npm run settings` would write it", () => {
    expect((parse(text("Pulumi.yaml")) as { config: unknown }).config).toEqual(projectConfig());
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
            ["host.privateKey", "host.privateKeyPassphrase", "host.password"].includes(name),
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
                    "a host that shows another key is refused. " +
                    'Set it with: pulumi config set --path host.hostKey "$(ssh-keyscan -t ed25519 HOST)". ' +
                    "If it was set by that command, a scan that finds nothing prints nothing: " +
                    "look at the address, at the port (ssh-keyscan -p PORT), at a firewall, " +
                    "and whether the host has a key of that type (ed25519, ecdsa).",
                "  - host.privateKey: it is not set, and neither is host.password, and no SSH agent is running; " +
                    "set it with: pulumi config set --path host.privateKey --secret < ~/.ssh/id_ed25519",
                "  - authentik:token is not set: an API token of Authentik. " +
                    "Set it with: pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
            ].join("\n"),
        );
    });
});
