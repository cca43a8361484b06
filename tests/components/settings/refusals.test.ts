/**
 * What settings refuse whatever their values: secrets in the open, what is not set, names that are no settings; and how
 * it is told.
 */
import { declaredState } from "../../../components/declaredState";
import { allSettings, SecretText } from "../../../components/settings";
import { change, refusals } from "../../support/refusals";
import { HOST_KEY, rawSettings } from "../../support/settings";

describe("secrets", () => {
    const encryptedKey = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    const openSshKey = (cipher: string) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(cipher.length);
        const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), length, Buffer.from(cipher)]).toString("base64");
        return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
    };
    const setKey = "set it with: pulumi config set --path host.privateKey --secret < ~/.ssh/id_ed25519";
    const setPassphrase =
        "host.privateKeyPassphrase: it is not set, but host.privateKey is protected by one; set it with: " +
        "pulumi config set --path host.privateKeyPassphrase --secret";

    test.each<[title: string, host: Record<string, unknown>, sentences: string[]]>([
        [
            "a plain key",
            { privateKey: "canary" },
            [
                "host.privateKey is a secret but is not encrypted in the stack's file: " +
                    `change it where it came from, and ${setKey}`,
            ],
        ],
        [
            "a plain password",
            { password: "canary" },
            [
                "host.password is a secret but is not encrypted in the stack's file: " +
                    "change it where it came from, and set it with: pulumi config set --path host.password --secret",
            ],
        ],
        [
            "a plain password of digits",
            { password: 12345 },
            [
                "host.password is a secret but is not encrypted in the stack's file: " +
                    "change it where it came from, and set it with: pulumi config set --path host.password --secret",
            ],
        ],
        [
            "no key",
            { privateKey: new SecretText("canary") },
            [`host.privateKey: the value given is not a private key in PEM or OpenSSH form; ${setKey}`],
        ],
        [
            "a public key",
            { privateKey: new SecretText(`${HOST_KEY} canary`) },
            [`host.privateKey: the value given is not a private key in PEM or OpenSSH form; ${setKey}`],
        ],
        ["an encrypted key without its passphrase", { privateKey: new SecretText(encryptedKey) }, [setPassphrase]],
        [
            "an OpenSSH key without its passphrase",
            { privateKey: new SecretText(openSshKey("aes256-ctr")) },
            [setPassphrase],
        ],
        [
            "an old encrypted key without its passphrase",
            {
                privateKey: new SecretText(
                    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: " +
                        "x\n\nAAAA\n-----END RSA PRIVATE KEY-----",
                ),
            },
            [setPassphrase],
        ],
        [
            "a passphrase without a key",
            {
                privateKey: undefined,
                password: new SecretText("canary"),
                privateKeyPassphrase: new SecretText("canary"),
            },
            [
                "host.privateKeyPassphrase: it is set without host.privateKey; " +
                    "set the key as well, or remove the passphrase.",
            ],
        ],
        [
            "an empty passphrase",
            { privateKeyPassphrase: new SecretText("") },
            ["host.privateKeyPassphrase: the value given is not allowed; give a passphrase."],
        ],
        [
            "no way to log in",
            { privateKey: undefined },
            [`host.privateKey: it is not set, host.password is not set either, and no SSH agent is running; ${setKey}`],
        ],
    ])("%s", (_title, host, sentences) => {
        expect(refusals({ host })).toEqual(sentences);
    });

    test.each([
        ["an OpenSSH key", { privateKey: new SecretText(openSshKey("none")) }],
        [
            "an encrypted key with its passphrase",
            { privateKey: new SecretText(encryptedKey), privateKeyPassphrase: new SecretText("secret") },
        ],
        ["a password instead of a key", { privateKey: undefined, password: new SecretText("secret") }],
    ])("%s is accepted", (_title, host) => {
        expect(refusals({ host })).toEqual([]);
    });

    test("never show, whatever is wrong with them", () => {
        const message = refusals({
            registry: { url: "https://user:canary/canary@registry.example.org" },
            zot: {
                mirrors: [{ url: "https://user:canary@a.example", prefix: "a" }],
                extraConfig: {
                    storage: { storageDriver: { secretkey: "canary" }, cacheDriver: { url: "redis://:canary@h:6379" } },
                },
            },
            host: { privateKey: "canary", password: ["canary"], privateKeyPassphrase: { canary: "canary" } },
        }).join("\n");
        expect(message.split("\n")).toHaveLength(7);
        expect(message).not.toContain("canary");
        expect(message).toContain('"https://[hidden]@registry.example.org" is not allowed because it is not a URL');
    });

    test("show in no form of a SecretText", () => {
        const secret = new SecretText("canary");
        expect(
            `${secret} ${String(secret)} ${JSON.stringify({ secret })} ` +
                `${require("node:util").inspect(secret, { depth: 5, showHidden: true })}`,
        ).not.toContain("canary");
        expect(secret.reveal()).toBe("canary");
        expect(() => new SecretText(undefined).reveal()).toThrow("This secret is encrypted and cannot be read here.");
    });
});

describe("what is not set", () => {
    test.each([
        ["registry.url", "https://registry.example.org"],
        ["zot.binary", "/usr/local/bin/zot"],
        ["zot.configFile", "/etc/zot/config.json"],
        ["zot.rootDirectory", "/var/lib/zot"],
        ["identity.issuer", "https://authentik.example.org/application/o/zot/"],
        ["host.address", "registry-host.example.org"],
        ["host.user", "zot"],
        ["host.hostKey", '"$(ssh-keyscan -t ed25519 registry-host.example.org)"'],
    ])("%s: the message holds the command", (name, example) => {
        const { description, hint } = allSettings().find((setting) => setting.name === name)!.setting;
        for (const nothing of [undefined, null, ""]) {
            expect(refusals(change(name, nothing))).toEqual([
                `${name} is not set: ${description} Set it with: ` +
                    `pulumi config set --path ${name} ${example}${hint ? `. ${hint}` : ""}`,
            ]);
        }
    });

    test("what only the site knows may be missing where the stack is only rendered", () => {
        const { groups } = rawSettings({
            host: { address: undefined, user: undefined, hostKey: undefined, privateKey: undefined },
        });
        expect(() => declaredState({ groups })).not.toThrow();
        expect(() => declaredState({ groups: { ...groups, registry: {} } })).toThrow(/registry\.url is not set/);
    });

    test("Authentik's URL and token", () => {
        const site = { hasAuthentikUrl: false, hasAuthentikToken: false, sshAgentSocket: undefined };
        expect(() => declaredState({ ...rawSettings(), site })).toThrow(
            [
                "There are 2 mistakes in the settings:",
                "  - authentik:url is not set: the URL of Authentik's API. " +
                    "Set it with: pulumi config set authentik:url https://authentik.example.org (or " +
                    "AUTHENTIK_URL in the environment)",
                "  - authentik:token is not set: an API token of Authentik. " +
                    "Set it with: pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
            ].join("\n"),
        );
    });

    test("an SSH agent will do for a key", () => {
        const raw = rawSettings({ host: { privateKey: undefined } });
        expect(() => declaredState({ ...raw, site: { ...raw.site!, sshAgentSocket: "/run/agent" } })).not.toThrow();
    });
});

describe("names that are no settings", () => {
    test.each<[title: string, groups: Record<string, unknown>, sentences: string[]]>([
        [
            "a typing error",
            { zot: { prot: 5000 } },
            ["zot.prot is not a setting; did you mean zot.port? All settings are declared in Pulumi.yaml."],
        ],
        [
            "another case",
            { zot: { Port: 5000 } },
            ["zot.Port is not a setting; did you mean zot.port? All settings are declared in Pulumi.yaml."],
        ],
        [
            "the wrong group",
            { zot: { hostKey: "x" } },
            ["zot.hostKey is not a setting; did you mean host.hostKey? All settings are declared in Pulumi.yaml."],
        ],
        [
            "nothing near",
            { zot: { colourOfTheLogo: "red" } },
            ["zot.colourOfTheLogo is not a setting. All settings are declared in Pulumi.yaml."],
        ],
        [
            "a part of a name",
            { access: { ci: ["read"] } },
            [
                "access.ci is not a setting; did you mean access.ciRepositories or access.ciMayPushToMirrors? All " +
                    "settings are declared in Pulumi.yaml.",
            ],
        ],
        [
            "an unknown group",
            { acces: { adminsMayUpdate: true } },
            ["acces is not a setting; did you mean access? All settings are declared in Pulumi.yaml."],
        ],
        [
            "a setting without its group",
            { hostKey: "canary" },
            ["hostKey is not a setting; did you mean host.hostKey? All settings are declared in Pulumi.yaml."],
        ],
        [
            "a setting with its group as namespace",
            { "zot:port": "5050" },
            ["zot:port is not a setting; did you mean zot.port? All settings are declared in Pulumi.yaml."],
        ],
        [
            "a literal dot, without --path",
            { "zot.port": "5050", zot: { port: 5051 } },
            [
                "zot.port was set without --path and so has no effect: " +
                    'remove it with "pulumi config rm zot.port" and set it with: ' +
                    "pulumi config set --path zot.port VALUE",
            ],
        ],
        [
            "a secret with a literal dot",
            { "host.password": new SecretText("canary"), host: { password: new SecretText("other canary") } },
            [
                "host.password was set without --path and so has no effect: " +
                    'remove it with "pulumi config rm host.password" and set it with: ' +
                    "pulumi config set --path host.password --secret",
            ],
        ],
        [
            "a group that is a value",
            { access: "open" },
            [
                'access: "open" is not allowed; access is a group of settings: ' +
                    "access.ciRepositories, access.ciMayPushToMirrors, access.adminsMayUpdate, access.channels, " +
                    "access.movableTags, access.acceptLossOfManifests, access.tagScheme, " +
                    "access.explainRefusals, access.rules.",
            ],
        ],
        [
            "a group that is encrypted",
            { access: new SecretText("canary") },
            [
                "access holds an encrypted value, but is not a secret; set it again without --secret: " +
                    "access.ciRepositories, access.ciMayPushToMirrors, access.adminsMayUpdate, access.channels, " +
                    "access.movableTags, access.acceptLossOfManifests, access.tagScheme, " +
                    "access.explainRefusals, access.rules.",
            ],
        ],
    ])("%s", (_title, groups, sentences) => {
        const raw = rawSettings();
        const laid = Object.fromEntries(
            Object.entries(groups).map(([group, members]) => [
                group,
                typeof members === "object" && !(members instanceof SecretText)
                    ? { ...(raw.groups[group] as object), ...members }
                    : members,
            ]),
        );
        expect(() => declaredState({ ...raw, groups: { ...raw.groups, ...laid } })).toThrow(
            `${sentences.length === 1 ? "There is a mistake" : ""} in the ` +
                `settings:\n${sentences.map((sentence) => `  - ${sentence}`).join("\n")}`,
        );
    });
});

test("all mistakes are told at once, whatever their kind, without a stack trace", () => {
    const changes = {
        registry: { url: "http://registry.example.org" },
        zot: {
            port: "none",
            prot: 1,
            mirrors: [
                { url: "https://a.example", prefix: "a" },
                { url: "https://b.example", prefix: "a/b" },
            ],
        },
        access: { rules: { "team/**": { ci: ["craete"], admins: ["reed"] } } },
        identity: { workloadsGroup: "admins" },
        host: { hostKey: "SHA256:x", password: "canary", serviceManager: "command" },
    };
    let message = "";
    try {
        declaredState(rawSettings(changes), "Pulumi.prod.yaml");
    } catch (error) {
        message = (error as Error).message;
    }
    const lines = message.split("\n");
    expect(lines[0]).toBe("There are 10 mistakes in the settings of Pulumi.prod.yaml:");
    expect(lines.slice(1).map((line) => /^ {2}- ([\w.[\]"/*]+?):? /.exec(line)?.[1])).toEqual([
        "zot.prot",
        "registry.url",
        "zot.port",
        'access.rules["team/**"].ci[0]',
        'access.rules["team/**"].admins[0]',
        "host.hostKey",
        "host.password",
        "identity.workloadsGroup",
        "zot.mirrors",
        "host.restartCommand",
    ]);
    expect(message).not.toMatch(/^\s+at /m);
});

test("mistakes in zot.extraConfig and in what settings say together are told beside each other", () => {
    expect(
        refusals({
            zot: { search: false, extraConfig: { http: { auth: { apikey: false } }, log: { output: null } } },
            access: { rules: { "team/**": { ci: ["read", "delete"] } } },
        }),
    ).toEqual([
        'access.rules["team/**"]: ci would get ["read","delete"]; ' +
            "CI may only read and create, otherwise its tags could change.",
        "zot.userInterface: it is on while zot.search is off, and zot refuses such a config; " +
            "set zot.userInterface to false or zot.search to true.",
        "zot.extraConfig: log.output is null, which zot takes for absent; remove it, or give it a value.",
        "zot.extraConfig: http.auth.apikey is false there and true by the other settings; " +
            "change the setting that decides it, and leave it out here.",
    ]);
});
