/** What setup makes of answers and of what it finds: plain functions. */
import * as fc from "fast-check";
import { parse } from "yaml";
import { alikeFirst, choicesFor } from "../../../cli/setup/alike";
import {
    changedSettings,
    composedFile,
    lostSettings,
    partsOfIssuer,
    settingsOfAnswers,
    withoutDefaults,
} from "../../../cli/setup/compose";
import { settingsFromHost, withAbsolutePaths } from "../../../cli/setup/fromHost";
import { type FoundZot, type HostFacts, hostFactsIn, zotInWords } from "../../../cli/setup/hostFacts";
import { answerMistake, answersIn, helpOf, type QuestionName, questions, targetIn } from "../../../cli/setup/questions";
import { allSettings } from "../../../components/settings";
import { siteSettings } from "../../support/settings";

describe("questions", () => {
    const names = Object.keys(questions) as QuestionName[];

    test("each has help; one that answers a setting has the setting's, and takes what the setting takes", () => {
        const known = new Map(allSettings().map(({ name, setting }) => [name, setting]));
        for (const name of names) {
            const { setting, secret } = questions[name];
            if (secret === undefined) expect(helpOf(name)).toMatch(/\S/);
            if (setting === undefined) continue;
            expect(known.has(setting)).toBe(true);
            expect(helpOf(name)).toBe(known.get(setting)!.description);
        }
        expect(answerMistake("sshPort", "0")).toBe("give a TCP port from 1 to 65535");
        expect(answerMistake("registryUrl", "https://registry.example.org/")).toMatch(/^give an https:\/\/ URL/);
        expect(answerMistake("registryUrl", "https://registry.example.org")).toBeUndefined();
        expect(answerMistake("metricsUsers", "prometheus, grafana")).toBeUndefined();
    });

    test.each([
        ["registry", { host: "registry" }],
        ["zot@registry.example.org:2222", { host: "registry.example.org", user: "zot", port: 2222 }],
        ["[fd00::1]:22", { host: "fd00::1", port: 22 }],
        ["root@fd00::1", { host: "fd00::1", user: "root" }],
    ])("the host %s", (text, expected) => expect(targetIn(text)).toEqual(expected));

    test.each(["", "a b", "-oProxyCommand=x", "zot@", "host:0", "host:70000", "a@b@c", "ro ot@host"])(
        "no host: %j",
        (text) => expect(typeof targetIn(text)).toBe("string"),
    );

    test("a file of answers: what is no question, a secret and a mistake are named, and no secret is shown", () => {
        expect(
            answersIn({ host: "zot@a", sshPort: 2222, metricsUsers: ["a", "b"], drop: true, caches: false }),
        ).toEqual({
            answers: { host: "zot@a", sshPort: "2222", metricsUsers: "a,b", drop: "yes", caches: "no" },
            mistakes: [],
        });
        const { mistakes } = answersIn({ hots: "a", authentikToken: "canary", sshPort: "ssh" });
        expect(mistakes).toEqual([
            expect.stringMatching(/^"hots" is no question; these are: stack, .*registryUrl/),
            expect.stringMatching(/^authentikToken is a secret .* AUTHENTIK_TOKEN in the environment$/),
            'sshPort is "ssh": give a TCP port from 1 to 65535',
        ]);
        expect(mistakes.join()).not.toContain("canary");
        expect(answersIn(["a"]).mistakes).toHaveLength(1);
    });
});

const zot: FoundZot = {
    process: "7",
    user: "zot",
    config: "/etc/zot/config.json",
    configThere: true,
    configReadable: true,
    binary: "/usr/bin/zot",
    binaryThere: true,
    manager: "systemd",
    service: "zot",
    ownFiles: false,
};
const facts: HostFacts = { system: "Linux x86_64", login: "root", isRoot: true, sudo: false, curl: true, zots: [zot] };

describe("the host's report", () => {
    const report = [
        "Welcome!",
        "zot-hardening-setup",
        "system=Linux x86_64",
        "login=deploy",
        "uid=1000",
        "curl=yes",
        "sudo=all",
        "zot",
        "process=7",
        "user=zot",
        "config=/etc/zot/config.json",
        "configThere=yes",
        'version={"commit":"v2.1.20","binary-type":"minimal"}',
        "binary=/usr/bin/zot",
        "binaryThere=yes",
        "manager=systemd",
        "service=zot",
        "zot",
        "process=",
        "config=/srv/b.json",
        "--",
        '{"a":\n"--"}\n',
    ].join("\n");

    test("is read line by line, the config to its last byte", () => {
        const found = hostFactsIn(report)!;
        expect(found).toMatchObject({
            login: "deploy",
            isRoot: false,
            sudo: true,
            curl: true,
            config: '{"a":\n"--"}\n',
        });
        expect(found.zots).toHaveLength(2);
        expect(found.zots[0]).toMatchObject({
            process: "7",
            binaryThere: true,
            manager: "systemd",
            configReadable: false,
        });
        expect(found.zots[0]!.version).toContain('"binary-type":"minimal"');
        expect(found.zots[1]!.process).toBeUndefined();
        expect(zotInWords(found.zots[0]!)).toBe("/etc/zot/config.json: process 7 of zot, started by systemd as zot");
    });

    test("anything else is none, whatever a host says", async () => {
        expect(hostFactsIn("bash: no such thing")).toBeUndefined();
        await fc.assert(
            fc.property(fc.string(), (text) => {
                const found = hostFactsIn(`zot-hardening-setup\n${text}`);
                return found === undefined || Array.isArray(found.zots);
            }),
        );
    });

    const of = (host: Partial<HostFacts>, more: Partial<FoundZot> = {}) =>
        settingsFromHost({ ...facts, ...host }, { ...zot, ...more });

    test.each<
        [title: string, host: Partial<HostFacts>, zot: Partial<FoundZot>, host: object, user: string | undefined]
    >([
        ["root", {}, {}, { user: "root", serviceManager: "systemd", serviceName: "zot" }, "zot"],
        ["zot's own user, by polkit", { login: "zot", isRoot: false }, {}, { user: "zot" }, undefined],
        ["zot's own user, by sudo", { login: "zot", isRoot: false, sudo: true }, {}, { sudo: "service" }, undefined],
        ["another user, by sudo", { login: "deploy", isRoot: false, sudo: true }, {}, { sudo: "all" }, "zot"],
        [
            "a container",
            {},
            { manager: undefined, service: undefined, container: "abc", restart: "docker restart zot" },
            { serviceManager: "command", restartCommand: "docker restart zot" },
            "zot",
        ],
    ])("who deploys: %s", (_title, host, more, expected, user) => {
        const { settings, obstacles } = of(host, more);
        expect(obstacles).toEqual([]);
        expect(settings.host).toMatchObject(expected);
        expect(settings.zot?.user).toBe(user);
    });

    test("what cannot be done is said", () => {
        expect(of({ login: "deploy", isRoot: false }).obstacles).toEqual([
            expect.stringMatching(/^zot runs as zot, and deploy can neither .* Log in as zot or root/),
        ]);
        expect(of({ login: "a", isRoot: false, sudo: true }, { manager: "systemd-user" }).obstacles).toEqual([
            "zot is a service of the user zot (systemd-user). Log in as zot.",
        ]);
        expect(of({ curl: false }).obstacles).toEqual([expect.stringContaining("curl is not installed")]);
        expect(of({}, { ownFiles: true, binaryThere: false }).notes).toEqual([
            expect.stringContaining("docs/containers.md"),
        ]);
    });

    test("relative paths belong to the folder that zot was started in", () => {
        const config = {
            storage: { rootDirectory: "../images" },
            HTTP: { tls: { cert: "./a.pem", key: "/b.pem" } },
            log: { output: "" },
        };
        expect(withAbsolutePaths(config, "/srv/zot")).toEqual({
            storage: { rootDirectory: "/srv/images" },
            HTTP: { tls: { cert: "/srv/zot/a.pem", key: "/b.pem" } },
            log: { output: "" },
        });
        expect(withAbsolutePaths(config, undefined)).toEqual(config);
    });

    test("an absolute path is written as a setting takes it", () => {
        const storage = (rootDirectory: string) =>
            withAbsolutePaths({ storage: { rootDirectory } }, undefined).storage as { rootDirectory: string };
        expect(storage("/var/lib/zot/").rootDirectory).toBe("/var/lib/zot");
        expect(storage("//var/./lib//zot").rootDirectory).toBe("/var/lib/zot");
        // Behind a link it is another one.
        expect(storage("/srv/link/../zot").rootDirectory).toBe("/srv/link/../zot");
        expect(withAbsolutePaths({ log: { output: "/dev/stdout" } }, "/srv")).toEqual({
            log: { output: "/dev/stdout" },
        });
    });
});

describe("names that look alike", () => {
    test.each([
        ["admins", ["authentik Admins", "builders", "users"], "authentik Admins"],
        ["admins", ["Admins", "admin"], "Admins"],
        ["admins", ["builders", "users"], undefined],
        ["admins", ["authentik Admins", "admins"], "admins"],
        [
            "default-provider-authorization-implicit-consent",
            ["default-provider-authorization-explicit-consent", "x"],
            "default-provider-authorization-explicit-consent",
        ],
    ])("for %s of %j", (wanted, names, fallback) => expect(choicesFor(wanted, names).fallback).toBe(fallback));

    test("none is lost, and the likest is first", async () => {
        await fc.assert(
            fc.property(fc.uniqueArray(fc.string()), fc.string(), (names, wanted) => {
                const ordered = alikeFirst(wanted, names);
                expect([...ordered].sort()).toEqual([...names].sort());
                if (names.includes(wanted)) expect(choicesFor(wanted, names).fallback).toBe(wanted);
            }),
        );
    });
});

describe("the stack's file", () => {
    const where = { project: "zot-hardening", stack: "site", authentikUrl: "https://authentik.example.org" };

    test("of answers", () => {
        expect(
            settingsOfAnswers({
                registryUrl: "https://r.example",
                sshPort: "2222",
                caches: "no",
                metricsUsers: "a, b",
            }),
        ).toEqual({
            registry: { url: "https://r.example" },
            host: { port: 2222 },
            access: { ciMayPushToMirrors: false },
            zot: { metricsUsers: ["a", "b"] },
        });
    });

    test("a new one has groups and settings in the order of the reference, and no default and no secret", () => {
        const settings = withoutDefaults(
            {
                host: { user: "zot", address: "a", privateKey: "canary", port: 22 },
                zot: { search: true, port: 5000, configFile: "/c", binary: "/b" },
                registry: { url: "https://r.example" },
            },
            { zot: { port: 5000 } },
        );
        const text = composedFile("", { ...where, settings });
        expect(text).toMatch(/^# A stack of this project\./);
        expect(Object.entries(parse(text).config)).toEqual([
            ["authentik:url", "https://authentik.example.org"],
            ["zot-hardening:registry", { url: "https://r.example" }],
            ["zot-hardening:zot", { binary: "/b", configFile: "/c", port: 5000 }],
            ["zot-hardening:host", { address: "a", user: "zot" }],
        ]);
        expect(JSON.stringify(Object.keys(parse(text).config["zot-hardening:zot"]))).toBe(
            '["binary","configFile","port"]',
        );
    });

    test("of one that is there, what is not asked stays to the letter", () => {
        const text = `# Ours.
encryptionsalt: v1:x
config:
  authentik:url: https://authentik.example.org
  zot-hardening:zot:
    mirrors:
      # as agreed
      - { url: "https://quay.io", prefix: quay }
    port: 5000 # the proxy's
  zot-hardening:host:
    privateKey:
      secure: v1:abc
`;
        const given = { zot: { mirrors: [{ url: "https://quay.io", prefix: "quay" }], port: 5000 } };
        const settings = changedSettings({ zot: { ...given.zot, metrics: "anonymous" } }, given);
        expect(settings).toEqual({ zot: { metrics: "anonymous" } });
        expect(composedFile(text, { ...where, settings })).toBe(
            text.replace("# the proxy's\n", "# the proxy's\n    metrics: anonymous\n"),
        );
    });

    test("an issuer of Authentik in its parts", () => {
        expect(partsOfIssuer("https://a.example/auth/application/o/zot/")).toEqual({
            url: "https://a.example/auth",
            slug: "zot",
        });
        expect(partsOfIssuer("https://keycloak.example/realms/zot")).toBeUndefined();
    });

    test("what goes with the first deployment", () => {
        const suggestion: Parameters<typeof lostSettings>[0] = {
            replaced: ["http.auth.htpasswd"],
            refused: ["log.token is a secret, but …"],
            different: [
                { path: "extensions.metrics.enable", onHost: true, setting: "zot.metrics" },
                { path: "extensions.metrics.prometheus.path", onHost: "/metrics", setting: "zot.metricsPath" },
                { path: "storage.gcDelay", onHost: "2h", declared: "1h", setting: "zot.garbageCollectionDelay" },
            ],
            declared: siteSettings(),
        };
        expect(lostSettings(suggestion, false)).toEqual(["http.auth.htpasswd", "log.token", "extensions.metrics"]);
        expect(lostSettings(suggestion, true)).toEqual(["*"]);
    });
});
