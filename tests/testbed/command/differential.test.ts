import * as path from "node:path";
import fc from "fast-check";

import { type PropertyMap, type PropertyValue, secret } from "../../../providers/protocol";
import { peel } from "../../../testbed/command/marks";
import { Engine, UNKNOWN } from "./engine";

// Random inputs to the stand-in and to the official plugin: what each checks, compares and previews. Others by
// SEED=NUMBER, more by RUNS=NUMBER.

jest.setTimeout(600_000);

const official = process.env.PULUMI_COMMAND_PLUGIN;

const hostless = fc.constantFrom<PropertyValue>(
    "x",
    "",
    "a\nb",
    5,
    0,
    -1,
    2.5,
    true,
    false,
    null,
    UNKNOWN,
    [],
    ["a", 1],
    {},
    { a: "b" },
    "é 😀",
    secret("s"),
    secret(1),
    secret(UNKNOWN),
    [UNKNOWN],
    { a: secret("b") },
);
/** Mostly what belongs there, now and then anything. */
const mostly = (usual: fc.Arbitrary<PropertyValue>) =>
    fc.oneof({ arbitrary: usual, weight: 5 }, { arbitrary: hostless, weight: 1 });
const text = mostly(fc.constantFrom<PropertyValue>("x", "echo y", "", secret("z"), UNKNOWN));
const number = mostly(fc.constantFrom<PropertyValue>(0, 22, 2222, 1.5, -1));
const optional = (model: Record<string, fc.Arbitrary<PropertyValue>>) =>
    fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<PropertyMap>;

const login = {
    host: text,
    port: number,
    user: text,
    password: text,
    privateKey: text,
    privateKeyPassword: text,
    agentSocketPath: text,
    dialErrorLimit: number,
    perDialTimeout: number,
    hostKey: text,
};
const proxy = optional({ ...login, nonsense: text });
const connection = optional({ ...login, proxy: mostly(proxy as fc.Arbitrary<PropertyValue>), misspelt: text });
const inputs = fc
    .record({
        whole: optional({
            create: text,
            update: text,
            delete: text,
            stdin: text,
            logging: mostly(fc.constantFrom<PropertyValue>("none", "stdout", "stderr", "stdoutAndStderr", "nonsense")),
            environment: mostly(
                fc.constantFrom<PropertyValue>({}, { A: "b" }, { A: secret("b"), "with.dot": "c" }, { A: UNKNOWN }),
            ),
            triggers: mostly(
                fc.constantFrom<PropertyValue>([], ["a"], ["a", { b: 1 }], [UNKNOWN], [secret("a"), null]),
            ),
            addPreviousOutputInEnv: mostly(fc.constantFrom<PropertyValue>(true, false)),
            nonsense: text,
        }),
        // Without a connection little else is looked at.
        connection: fc.option(mostly(connection as fc.Arbitrary<PropertyValue>), { freq: 12, nil: undefined }),
    })
    .map(({ whole, connection: there }): PropertyMap => {
        // What is misspelt is refused, and hides the rest: it is there now and then.
        const kept = Object.fromEntries(
            Object.entries(whole).filter(([name]) => name !== "nonsense" || Object.keys(whole).length > 6),
        );
        return there === undefined ? kept : { ...kept, connection: there };
    });

const plain = fc.constantFrom<PropertyValue>(
    "a",
    "b",
    1,
    true,
    ["a"],
    ["a", "b"],
    { a: 1 },
    { a: 2, "b.c": [1] },
    secret("a"),
    UNKNOWN,
);
/** Inputs that passed Check, for Diff and previews. */
const checked = fc
    .record(
        {
            create: fc.constantFrom<PropertyValue>("a", "b", UNKNOWN, secret("a")),
            update: fc.constantFrom<PropertyValue>("a", "b"),
            stdin: fc.constantFrom<PropertyValue>("a", secret("a"), secret("b"), UNKNOWN),
            environment: fc.constantFrom<PropertyValue>(
                { A: "b" },
                { A: "c", "with.dot": "d" },
                { A: UNKNOWN },
                secret({ A: "b" }),
            ),
            triggers: fc.array(plain, { maxLength: 3 }) as fc.Arbitrary<PropertyValue>,
            logging: fc.constantFrom<PropertyValue>("none", "stdout"),
        },
        { requiredKeys: [] },
    )
    .chain((some) =>
        fc.constantFrom("h", "i").map(
            (host) =>
                ({
                    ...some,
                    connection: secret({ host, port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 }),
                }) as PropertyMap,
        ),
    );

/** A value in one form: what is secret and not known can be written in two ways. */
function seen(value: PropertyValue): unknown {
    const { plain: inner, secret: isSecret } = peel(value);
    const shown = Array.isArray(inner)
        ? inner.map(seen)
        : typeof inner === "object" && inner !== null
          ? Object.fromEntries(Object.entries(inner).map(([name, item]) => [name, seen(item)]))
          : inner;
    return isSecret ? { secret: shown } : shown;
}

const subject = "random inputs [both]";
(official ? describe : describe.skip)(
    official ? subject : `${subject} [skipped: PULUMI_COMMAND_PLUGIN is not set]`,
    () => {
        let engines: Engine[] = [];
        beforeAll(async () => {
            const executables = [
                path.resolve(__dirname, "../../../testbed/command/pulumi-resource-command"),
                official as string,
            ];
            engines = await Promise.all(executables.map((executable) => Engine.start(executable)));
            for (const engine of engines) await engine.configure();
        });
        afterAll(() => Promise.all(engines.map((engine) => engine.stop())));

        /** What each answers, or the text of its failure. */
        const ask = (operation: (engine: Engine) => Promise<unknown>) =>
            Promise.all(
                engines.map((engine) =>
                    operation(engine).then(
                        (answer) => ({ answer }),
                        (error: Error) => ({ failure: error.message }),
                    ),
                ),
            );
        const options = { numRuns: Number(process.env.RUNS ?? 300), seed: Number(process.env.SEED ?? 121) };
        const alike = async <Value>(
            arbitrary: fc.Arbitrary<Value>,
            operation: (engine: Engine, value: Value) => Promise<unknown>,
        ) =>
            fc.assert(
                fc.asyncProperty(arbitrary, async (value) => {
                    const [standIn, real] = await ask((engine) => operation(engine, value));
                    expect(standIn).toEqual(real);
                }),
                options,
            );

        test("Check takes, completes and refuses the same", async () => {
            await alike(inputs, async (engine, given) => {
                const { inputs: completed, failures } = await engine.check(given);
                // What is not recognized comes in no particular order.
                const told = failures.map(({ property, reason }) => ({
                    property,
                    reason: reason.split("\n\t").sort(),
                }));
                // Inputs that were refused go nowhere.
                return {
                    completed: told.length ? undefined : seen(completed),
                    failures: told.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
                };
            });
        });

        test("Diff finds the same", async () => {
            await alike(fc.tuple(checked, checked), (engine, [before, after]) =>
                engine.diff({ oldInputs: before, oldOutputs: { ...before, stdout: "", stderr: "" }, inputs: after }),
            );
        });

        test("previews foresee the same", async () => {
            await alike(fc.tuple(checked, checked), async (engine, [before, after]) => ({
                created: (await engine.create(after, { preview: true })).properties,
                updated: await engine.update({
                    id: "x",
                    oldInputs: before,
                    oldOutputs: { ...before, stdout: "o", stderr: secret("e") },
                    inputs: after,
                    preview: true,
                }),
            }));
        });
    },
);
