/**
 * The plugins that the cases run on: always the stand-in, and the official one where PULUMI_COMMAND_PLUGIN is the path
 * of its executable (1.2.1); and a host for the cases that need one.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { PropertyMap } from "../../../providers/protocol";
import { generateKeyPair, type SshHost, startSshHost } from "../../../testbed/sshHost";
import { Engine } from "./engine";

jest.setTimeout(90_000);

const standIn = path.resolve(__dirname, "../../../testbed/command/pulumi-resource-command");
const official = process.env.PULUMI_COMMAND_PLUGIN;
export const plugins = [
    { plugin: "stand-in", executable: standIn },
    ...(official ? [{ plugin: "real", executable: official }] : []),
];

export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "command-test-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

export const stranger = () => generateKeyPair("ed25519", "stranger");
export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function until(what: string, condition: () => boolean, seconds = 10): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; !condition(); await sleep(20)) {
        if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    }
}

/** The message of a failure; a success is an error here. */
export async function failureOf(operation: Promise<unknown>): Promise<string> {
    let answer: unknown;
    try {
        answer = await operation;
    } catch (error) {
        return (error as Error).message;
    }
    throw new Error(`it succeeded: ${JSON.stringify(answer)}`);
}

export function skipOfficial(): void {
    if (!official) test.skip("official plugin: PULUMI_COMMAND_PLUGIN is not set", () => {});
}

/** What the program gives every command. */
export const asOurs = { logging: "none", addPreviousOutputInEnv: false };

/** A host, and the plugin that runs commands on it. */
export interface OnHost {
    executable: string;
    engine: Engine;
    host: SshHost;
    home: string;
    /** Checked inputs of a command on the host, which is dialled once. */
    inputsOf(inputs: PropertyMap, connection?: PropertyMap): Promise<PropertyMap>;
    create(
        inputs: PropertyMap,
        connection?: PropertyMap,
        options?: Parameters<Engine["create"]>[1],
    ): ReturnType<Engine["create"]>;
    outputOf(inputs: PropertyMap, connection?: PropertyMap): Promise<{ stdout: unknown; stderr: unknown }>;
    shownLines(): string[];
}

/** A group of cases for each plugin; `on` has its host once they run. */
export function describeOnHost(about: string, kind: "embedded" | "openssh", cases: (on: OnHost) => void): void {
    skipOfficial();
    describe.each(plugins)(`${about} (${kind}) [$plugin]`, ({ executable }) => {
        const on = { executable } as OnHost;
        beforeAll(async () => {
            on.home = fs.mkdtempSync(path.join(scratch, "home-"));
            on.host = await startSshHost({
                kind,
                home: on.home,
                shell: "/bin/sh",
                hostKeyTypes: ["ed25519", "ecdsa", "rsa"],
            });
            on.engine = await Engine.start(executable);
            await on.engine.configure();
        });
        beforeEach(() => {
            on.engine.log.length = 0;
        });
        afterAll(async () => {
            await on.engine?.stop();
            await on.host?.stop();
        });

        on.inputsOf = async (inputs, connection = {}) => {
            const whole = {
                host: on.host.host,
                port: on.host.port,
                user: on.host.user,
                privateKey: on.host.privateKeyPem,
                hostKey: on.host.hostPublicKey,
                dialErrorLimit: 0,
                ...connection,
            };
            const checked = await on.engine.check({ ...asOurs, ...inputs, connection: whole });
            expect(checked.failures).toEqual([]);
            return checked.inputs;
        };
        on.create = async (inputs, connection, options) =>
            on.engine.create(await on.inputsOf(inputs, connection), options);
        on.outputOf = async (inputs, connection) => {
            const { properties } = await on.create(inputs, connection);
            return { stdout: properties.stdout, stderr: properties.stderr };
        };
        on.shownLines = () => on.engine.log.filter((line) => line.ephemeral).map((line) => line.message);
        cases(on);
    });
}
