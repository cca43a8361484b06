/** A registry on several machines: what is declared of each, and in which order, recorded by Pulumi's mocks. */
import * as pulumi from "@pulumi/pulumi";
import { HardenedRegistry } from "../../components/hardenedRegistry";
import { rightsOfMachines } from "../../components/hostRights";
import { renamed } from "../../components/machines";
import { rolloutText } from "../../components/rollout";
import { declarations, membersOf, SecretText, SettingsError } from "../../components/settings";
import { type Recorded, recordResources } from "../support/recordedProgram";
import { HOST_KEY, siteSettings } from "../support/settings";

const redis = (keyprefix: string) => ({ name: "redis", url: "redis://cache.example.org:6379", keyprefix });
const SHARED = {
    storage: {
        remoteCache: true,
        cacheDriver: redis("zot"),
        storageDriver: { name: "s3", rootdirectory: "/zot", region: "us-east-1", bucket: "zot" },
    },
    http: { auth: { sessionDriver: redis("zotsession") } },
};
const A = { address: "a.example.org", hostKey: HOST_KEY };
const B = { address: "b.example.org", hostKey: HOST_KEY, port: 2222, user: "other", zot: { port: 5001 } };

/** A site of these machines. */
const onMachines = (members: unknown, host: Record<string, unknown> = {}, extraConfig: object = SHARED) =>
    siteSettings({
        zot: { extraConfig, vulnerabilityUpdateInterval: "off" },
        host: { address: "", hostKey: "", members, ...host },
    });

/** The mistakes in the settings of a site of these machines. */
function mistakesOf(...args: Parameters<typeof onMachines>): string[] {
    try {
        onMachines(...args);
        return [];
    } catch (error) {
        if (error instanceof SettingsError) return error.mistakes.map(({ message }) => message);
        throw error;
    }
}

describe("settings", () => {
    test("a machine has what it says, and what is shared where it says nothing", () => {
        const [a, b] = membersOf(onMachines([A, B]).settings);
        expect(a).toMatchObject({ name: "a.example.org", isAway: false });
        expect(a.settings.host).toMatchObject({ address: "a.example.org", port: 22, user: "zot" });
        expect(a.settings.zot.port).toBe(5000);
        expect(b).toMatchObject({ name: "b.example.org port 2222" });
        expect(b!.settings.host).toMatchObject({ address: "b.example.org", port: 2222, user: "other" });
        expect(b!.settings.zot).toMatchObject({ port: 5001, configFile: "/etc/zot/config.json" });
    });

    test("without members it is the one of host.address", () => {
        const { settings } = siteSettings();
        expect(membersOf(settings)).toEqual([{ name: "registry-host.example.org", settings, isAway: false }]);
    });

    test("a key is taken as ssh-keyscan prints it", () => {
        const scanned = `# a.example.org:22 SSH-2.0-OpenSSH_9.9\na.example.org ${HOST_KEY}\n`;
        const [a] = membersOf(onMachines([{ ...A, hostKey: scanned }]).settings);
        expect(a.settings.host.hostKey).toBe(`a.example.org ${HOST_KEY}`);
    });

    test("what is wrong with the machines is told, all at once", () => {
        expect(mistakesOf([A, B])).toEqual([]);
        expect(mistakesOf([A, B], { address: "c.example.org", hostKey: HOST_KEY })).toEqual([
            "host.address: it is set, and so is host.members, which names every machine; " +
                "remove it: pulumi config rm --path host.address",
            "host.hostKey: it is set, and so is host.members, which names every machine; " +
                "remove it: pulumi config rm --path host.hostKey",
        ]);
        expect(mistakesOf([A, B, { ...A, address: "A.example.org", away: true }])).toEqual([
            "host.members[2]: it has the address and port of host.members[0]; remove one of them.",
        ]);
        expect(mistakesOf([A, { ...B, name: "a.example.org" }])).toEqual([
            "host.members[1]: it has the name of host.members[0]; give its own.",
        ]);
        expect(mistakesOf([{ ...A, away: true }])).toEqual([
            "host.members: every machine is away, and there is none to deploy to; remove one away: true.",
        ]);
        expect(mistakesOf([{ address: "a.example.org" }])[0]).toMatch(
            /^host\.members\[0\]\.hostKey is missing; give an ed25519/,
        );
        expect(mistakesOf([{ ...A, hostKey: "SHA256:x" }])[0]).toMatch(
            /^host\.members\[0\]\.hostKey: .* because it is a fingerprint, not the key itself; give /,
        );
        expect(mistakesOf([{ ...A, prot: 22 }])[0]).toMatch(
            /^host\.members\[0\]: the name "prot" is not allowed; give /,
        );
    });

    test("without members, address and key are asked for as before", () => {
        expect(mistakesOf([]).map((message) => message.split(" is not set")[0])).toEqual([
            "host.address",
            "host.hostKey",
        ]);
    });

    test("what only some machines have wrong names them", () => {
        const command = { serviceManager: "command" };
        expect(mistakesOf([A, { ...B, ...command }])).toEqual([
            expect.stringMatching(
                /^host\.restartCommand: it is not set .* \(This is b\.example\.org port 2222 alone: /,
            ),
        ]);
        expect(mistakesOf([A, B], command)).toEqual([
            expect.stringMatching(/^host\.restartCommand: it is not set .*"$/),
        ]);
    });

    test("what looks shared, and is each machine's own, is refused", () => {
        const { storage, http } = SHARED;
        const sentences = (extra: object) => mistakesOf([A, B], {}, extra).map((message) => message.split(/[,;]/)[0]);
        expect(sentences({ storage, http: { auth: { sessionDriver: { name: "local" } } } })).toEqual([
            "zot.extraConfig: http.auth.sessionDriver is not one that is shared",
        ]);
        const cacheDriver = { name: "boltdb" };
        const storageDriver = { name: "local" };
        expect(sentences({ storage: { ...storage, cacheDriver, storageDriver }, http })).toEqual([
            "zot.extraConfig: storage.storageDriver is not one that is shared",
            "zot.extraConfig: storage.cacheDriver is not one that is shared",
        ]);
        const near = { ...redis("zot"), url: "redis://localhost:6379" };
        expect(sentences({ storage: { ...storage, cacheDriver: near }, http })).toEqual([
            "zot.extraConfig: storage.cacheDriver.url names localhost",
        ]);
        expect(sentences({ storage: { ...storage, cacheDriver: { name: "redis" } }, http })).toEqual([
            "zot.extraConfig: storage.cacheDriver is not one that is shared",
        ]);
    });

    test("one machine in two forms of its address is one", () => {
        const pairs = [
            ["2001:db8::1", "2001:DB8:0:0::1"],
            ["one.example.org", "One.example.org."],
        ];
        for (const [one, other] of pairs)
            expect(
                mistakesOf([
                    { ...A, address: one },
                    { ...A, address: other },
                ]),
            ).toEqual(["host.members[1]: it has the address and port of host.members[0]; remove one of them."]);
    });

    test("what a machine needs besides is asked of each; what is encrypted is none", () => {
        expect(mistakesOf([A, { ...B, zot: { tlsCertFile: "/etc/zot/tls.pem" } }])).toEqual([
            expect.stringMatching(
                /^zot\.tlsCertFile: it is set without zot\.tlsKeyFile.* \(This is b\.example\.org port 2222 alone: /,
            ),
        ]);
        expect(mistakesOf(new SecretText(undefined))).toEqual([
            expect.stringMatching(/^host\.members is encrypted, but /),
        ]);
        expect(mistakesOf([{ ...A, hostKey: new SecretText(undefined) }])).toEqual([
            expect.stringMatching(/^host\.members\[0\]\.hostKey is encrypted, but /),
        ]);
    });

    test("several machines share images, what is known of them, and sessions; one need not", () => {
        expect(mistakesOf([A], {}, {})).toEqual([]);
        expect(mistakesOf([A, B], {}, {}).map((message) => message.split(",")[0])).toEqual([
            "storage.bucket: it is missing",
            "redis.address: it is missing",
        ]);
        const { storageDriver, cacheDriver } = SHARED.storage;
        expect(
            mistakesOf([A, B], {}, { storage: { storageDriver, cacheDriver } }).map((one) => one.split(",")[0]),
        ).toEqual([
            "zot.extraConfig: storage.remoteCache is missing",
            "zot.extraConfig: http.auth.sessionDriver is missing",
        ]);
    });

    test("a review names the machines that come, go and change", () => {
        const weigh = declarations.host.members.review as (before: unknown, after: unknown) => unknown;
        expect(weigh([A, B], [A, { ...B, user: "zot" }, { address: "c.example.org" }])).toEqual({
            effect: "unclear",
            words:
                "user of `b.example.org port 2222` is `zot` instead of `other`; " +
                "the config and its secrets are also sent to `c.example.org`",
        });
        expect(weigh([A, B], [A])).toMatchObject({
            words: "`b.example.org port 2222` is no longer a machine of the registry",
        });
    });
});

describe("resources", () => {
    let recorded: Recorded[];
    const FOUND = {
        authorizationFlow: "flow-authorize",
        invalidationFlow: "flow-invalidate",
        signingKey: "certificate",
        scopeMappings: ["openid"],
        adminsGroup: "group-admins",
    };
    async function declare(...args: Parameters<typeof onMachines>) {
        recorded = recordResources({ outputs: { "authentik:index/application:Application": { uuid: "uuid" } } });
        new HardenedRegistry("registry", { settings: onMachines(...args).settings, found: FOUND });
        await pulumi.runtime.disconnect();
    }
    const named = (type: RegExp) => recorded.filter((resource) => type.test(resource.type)).map(({ name }) => name);

    test("each machine has its look, its deployment and its question before a destroy, by its address", async () => {
        await declare([A, B]);
        const names = ["registry-a.example.org", "registry-b.example.org-port-2222"];
        expect(named(/HostObservation$/).sort()).toEqual(names);
        expect(named(/remote:Command$/)).toEqual(names);
        expect(named(/HostWithdrawal$/).sort()).toEqual(names);
        const [a, b] = recorded.filter(({ type }) => type === "command:remote:Command");
        expect(JSON.stringify(a!.inputs.connection)).toContain("a.example.org");
        expect(JSON.stringify(b!.inputs.connection)).toContain('"port":2222');
        expect(JSON.stringify(b!.inputs.stdin)).toContain('\\"port\\": \\"5001\\"');
    });

    test("before a destroy that restores, each is asked whether it has what was there", async () => {
        const own = { ...B, zot: { configFile: "/srv/zot/config.json" } };
        await declare([A, own], { onDestroy: "restore" });
        const asked = recorded
            .filter(({ type }) => /HostWithdrawal$/.test(type))
            .map(({ inputs }) => inputs.restoredFrom);
        expect(asked.sort()).toEqual([
            "/etc/zot/config.json.zot-hardening/original",
            "/srv/zot/config.json.zot-hardening/original",
        ]);
        await declare([A, own]);
        const others = recorded.filter(({ type }) => /HostWithdrawal$/.test(type));
        expect(others.map(({ inputs }) => Object.keys(inputs))).toEqual([["connection"], ["connection"]]);
    });

    test("one machine is not looked at while it is away", async () => {
        await declare([A, { ...B, away: true }]);
        const looks = recorded
            .filter(({ type }) => /HostObservation$/.test(type))
            .map(({ name, inputs }) => [name, inputs.look]);
        expect(Object.fromEntries(looks)).toEqual({
            "registry-a.example.org": true,
            "registry-b.example.org-port-2222": false,
        });
    });
});

describe("a machine that stays is not withdrawn under a former name", () => {
    const a = { name: "a", place: "a.example.org 22", key: "AAAAa" };
    const b = { name: "b", place: "b.example.org 22", key: "AAAAb" };
    test.each<[string, Parameters<typeof renamed>, number]>([
        ["nothing changes", [{ "r-a": a, "r-b": b }, { "r-a": a, "r-b": b }, true], 0],
        ["one goes", [{ "r-a": a, "r-b": b }, { "r-a": a }, true], 0],
        ["one comes", [{ "r-a": a }, { "r-a": a, "r-b": b }, true], 0],
        [
            "its address is written otherwise",
            [{ "r-a": a }, { "r-10.0.0.1": { ...a, name: "10.0.0.1", place: "10.0.0.1 22" } }, true],
            1,
        ],
        ["its key is another one", [{ "r-a": a }, { "r-c": { ...a, name: "c", key: "AAAAc" } }, true], 1],
        ["one takes another one's place", [{ "r-a": a }, { "r-b": b }, true], 0],
        ["it is alone, by its own address", [{ "r-a": a }, { r: a }, false], 0],
        [
            "it is alone, by another one",
            [{ "r-a": a }, { r: { ...a, name: "10.0.0.1", place: "10.0.0.1 22" } }, false],
            1,
        ],
        ["there was no list", [{}, { "r-a": a }, true], 0],
    ])("%s", (_case, args, count) => {
        const found = renamed(...args);
        expect(found).toHaveLength(count);
        for (const sentence of found)
            expect(sentence).toMatch(/^The machine that was called a would be called .* name: a[ .]/);
    });
});

test("before each deployment it is said which machines have the config, and what becomes of the others", () => {
    const machines = ["a", "b", "c"];
    expect(rolloutText(machines, 0)).toBe(
        "zot's config goes to a now, 1 of 3. If that fails, a returns to what served before, " +
            "and b and c keep what is there; the next pulumi up continues from there.",
    );
    expect(rolloutText(machines, 1)).toContain(
        "2 of 3. a has it. If that fails, b returns to what served before, and c keeps",
    );
    expect(rolloutText(machines, 2)).toBe(
        "zot's config goes to c now, 3 of 3. a and b have it. If that fails, c returns to what served before; " +
            "the next pulumi up continues from there.",
    );
});

test("rights that are alike on all machines are told once", () => {
    const groups = rightsOfMachines(onMachines([A, { ...B, user: "zot" }]).settings);
    expect(groups.map(({ machines }) => machines.map(({ name }) => name))).toEqual([
        ["a.example.org", "b.example.org port 2222"],
    ]);
    const apart = rightsOfMachines(onMachines([A, B]).settings);
    expect(apart.map(({ machines }) => machines.map(({ name }) => name))).toEqual([
        ["a.example.org"],
        ["b.example.org port 2222"],
    ]);
});
