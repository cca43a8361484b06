/** What a program meets in the command plugin without a host: configuration, Check, Diff, previews, Read. */
import { type PropertyMap, type PropertyValue, secret } from "../../../providers/protocol";
import { peel } from "../../../testbed/command/marks";
import { Engine, UNKNOWN } from "./engine";
import { asOurs, plugins, skipOfficial } from "./target";

skipOfficial();

describe.each(plugins)("without a host [$plugin]", ({ plugin, executable }) => {
    let engine: Engine;
    let configured: Awaited<ReturnType<Engine["configure"]>>;
    beforeAll(async () => {
        engine = await Engine.start(executable);
        configured = await engine.configure();
    });
    afterAll(() => engine.stop());

    const minimal = { connection: { host: "registry.example.com" } };
    const filled = { host: "registry.example.com", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 };

    test(
        "is 1.2.1 and looks after secrets itself [fact: GetPluginInfo 1.2.1; " +
            "Configure answers acceptSecrets, supportsPreview, acceptResources, acceptOutputs]",
        async () => {
            expect(await engine.version()).toBe("1.2.1");
            expect(configured).toEqual({
                acceptSecrets: true,
                supportsPreview: true,
                acceptResources: true,
                acceptOutputs: true,
            });
        },
    );

    describe("Check", () => {
        test(
            "fills in the defaults and makes the connection secret [fact: " +
                "Check fills user root, port 22, dialErrorLimit 10, " +
                "perDialTimeout 15 and marks `connection` secret]",
            async () => {
                const { inputs, failures } = await engine.check(minimal);
                expect(failures).toEqual([]);
                expect(inputs).toEqual({ connection: secret(filled) });
            },
        );

        test("makes keys and passwords secret, of the jump host as well", async () => {
            const login = { password: "p", privateKey: "k", privateKeyPassword: "w" };
            const secrets = { password: secret("p"), privateKey: secret("k"), privateKeyPassword: secret("w") };
            const { inputs } = await engine.check({
                connection: { ...filled, ...login, proxy: { host: "jump", ...login } },
            });
            expect(inputs).toEqual({
                connection: secret({ ...filled, ...secrets, proxy: { ...filled, host: "jump", ...secrets } }),
            });
        });

        test("keeps secrets secret and the rest plain", async () => {
            const given = {
                ...minimal,
                create: "c",
                stdin: secret("s"),
                environment: { A: "a", B: secret("b") },
                triggers: [1, { c: secret(true) }],
            };
            expect((await engine.check(given)).inputs).toEqual({ ...given, connection: secret(filled) });
        });

        test("lets pass what is not known yet", async () => {
            const { inputs, failures } = await engine.check({
                connection: { ...filled, host: UNKNOWN },
                create: UNKNOWN,
            });
            expect(failures).toEqual([]);
            expect(inputs).toEqual({ connection: secret({ ...filled, host: UNKNOWN }), create: UNKNOWN });
            expect(peel((await engine.check({ connection: UNKNOWN })).inputs.connection as PropertyValue)).toEqual({
                plain: UNKNOWN,
                secret: true,
            });
        });

        test("takes a secret that is not known yet for an empty one", async () => {
            const { inputs } = await engine.check({ ...minimal, stdin: secret(UNKNOWN) });
            expect(inputs.stdin).toEqual(secret(""));
        });

        test("a null is absent", async () => {
            expect(
                (await engine.check({ connection: { host: "registry.example.com", port: null }, stdin: null })).inputs,
            ).toEqual({ connection: secret(filled) });
        });
    });

    describe("Diff", () => {
        const oldInputs: PropertyMap = {
            create: "push",
            stdin: secret("input"),
            connection: secret(filled),
        };
        const oldOutputs: PropertyMap = { ...oldInputs, stdout: "out", stderr: "" };
        const diff = (changes: PropertyMap) => {
            const inputs: PropertyMap = { ...oldInputs };
            for (const [name, value] of Object.entries(changes)) {
                if (value === null) delete inputs[name];
                else inputs[name] = value;
            }
            return engine.diff({ oldInputs, oldOutputs, inputs });
        };

        test(
            "the same inputs are no difference, whatever the output was [fact: " +
                "Diff compares with the old inputs; a second preview is clean]",
            async () => {
                expect(await diff({})).toEqual({ changes: "none", detailed: {}, replaces: [] });
            },
        );

        test.each<[string, PropertyMap, Record<string, string>]>([
            ["another script", { create: "push --now" }, { create: "UPDATE" }],
            ["other input", { stdin: secret("other") }, { stdin: "UPDATE" }],
            ["no input", { stdin: null }, { stdin: "DELETE" }],
            ["a script for the end", { delete: "remove" }, { delete: "ADD" }],
            [
                "another host",
                { connection: secret({ ...filled, host: "other.example.com" }) },
                { connection: "UPDATE" },
            ],
            ["a script that is not known yet", { create: UNKNOWN }, { create: "UPDATE" }],
        ])("%s", async (_what, changes, expected) => {
            const { changes: has, detailed, replaces } = await diff(changes);
            expect([has, replaces]).toEqual(["some", []]);
            expect(detailed).toEqual(
                Object.fromEntries(Object.entries(expected).map(([path, kind]) => [path, { kind, inputDiff: false }])),
            );
        });
    });

    describe("a preview", () => {
        test(
            "of a create tells the inputs, and that the output is not known [fact: " +
                "preview's stdout and stderr are the unknown sentinel]",
            async () => {
                const inputs = { create: "push", stdin: secret("s"), connection: secret(filled) };
                const { id, properties } = await engine.create(inputs, { preview: true, name: "registry" });
                expect(id).toMatch(/^registry[0-9a-f]{8}$/);
                expect(properties).toEqual({ ...inputs, stdout: UNKNOWN, stderr: UNKNOWN });
            },
        );

        test.each<[string, PropertyMap, boolean]>([
            ["other input", { stdin: secret("t") }, true],
            ["no input", {}, true],
            ["another connection", { stdin: secret("s"), connection: secret({ ...filled, port: 2222 }) }, true],
            ["one input more, which counts for nothing", { stdin: secret("s"), delete: "remove" }, false],
            ["nothing new", { stdin: secret("s") }, false],
        ])("of an update with %s", async (_what, changes, unknown) => {
            const common = { create: "push", connection: secret(filled) };
            const oldInputs = { ...common, stdin: secret("s") };
            const inputs = { ...common, ...changes };
            const properties = await engine.update({
                id: "x",
                oldInputs,
                oldOutputs: { ...oldInputs, stdout: "o", stderr: "e" },
                inputs,
                preview: true,
            });
            expect(properties).toEqual({
                ...inputs,
                stdout: unknown ? UNKNOWN : "o",
                stderr: unknown ? UNKNOWN : "e",
            });
        });
    });

    test("Read answers with the state [fact: Read returns the state without connecting]", async () => {
        const inputs = { create: "push", connection: secret(filled) };
        const properties = { ...inputs, stdout: "o", stderr: "" };
        expect(await engine.read({ id: "x1", inputs, properties })).toEqual({ id: "x1", inputs, properties });
    });

    test(
        "a step without a script connects to nothing [fact: " +
            "Preview, no-op up, refresh, and a step with no command make no connection]",
        async () => {
            const there = secret({ ...filled, host: "no-such-host.invalid" });
            const inputs = { ...asOurs, connection: there, stdin: "s" };
            const { properties } = await engine.create(inputs);
            expect(properties).toEqual({ ...inputs, stdout: "", stderr: "" });
            const updated = await engine.update({
                id: "x",
                oldInputs: inputs,
                oldOutputs: { ...properties, stdout: secret("o") },
                inputs,
            });
            expect(updated).toEqual({ ...inputs, stdout: "o", stderr: "" });
            await engine.delete({ id: "x", inputs, properties });
        },
    );

    if (plugin === "stand-in") {
        test("says once that it is a stand-in", async () => {
            const own = await Engine.start(executable);
            await own.configure();
            await own.check(minimal);
            await own.check(minimal);
            expect(own.log).toEqual([
                {
                    severity: "info",
                    message: "Commands on hosts are run by the test bed's stand-in for the command plugin 1.2.1.",
                    ephemeral: false,
                },
            ]);
            await own.stop();
        });
    }
});
