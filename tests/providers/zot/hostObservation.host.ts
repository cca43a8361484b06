/** A host with a zot on it that a deployment has left in order, for the tests of the resource HostObservation. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { SshLimits } from "../../../clients/ssh";
import type { CallContext, PropertyMap, ResourceHandler } from "../../../providers/protocol";
import { hostObservation } from "../../../providers/zot/hostObservation";
import { readMachine } from "../../../testbed/bootstrap/toolchain.cjs";
import { freePort } from "../../../testbed/site/ports";
import { startZotService, type ZotService } from "../../../testbed/site/zotService";
import { type SshHost, type SshHostOptions, startSshHost } from "../../../testbed/sshHost";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

export interface ObservedHost {
    ssh: SshHost;
    zot: ZotService;
    folder: string;
    configFile: string;
    config: string;
    credentialsFile: string;
    secret: string;
    inputs: PropertyMap;
    /** Brings everything back to how a deployment left it. */
    repair(): Promise<void>;
    stop(): Promise<void>;
}

export async function startObservedHost(ssh: SshHostOptions = {}): Promise<ObservedHost> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "observed-host-"));
    // With a home of its own: what the login shell of the person at this machine does at its start is no part of the
    // test.
    const [sshHost, port] = await Promise.all([startSshHost({ home: folder, ...ssh }), freePort()]);
    const images = path.join(folder, "images");
    fs.mkdirSync(images);
    const configFile = path.join(folder, "config.json");
    // A config that starts without an issuer; what a deployment is to put beside it is there all the same.
    const config = `${JSON.stringify(
        {
            distSpecVersion: "1.1.1",
            storage: { rootDirectory: images },
            http: {
                address: "127.0.0.1",
                port: String(port),
                accessControl: { repositories: { "**": { anonymousPolicy: ["read"] } } },
            },
            log: { level: "info" },
        },
        null,
        2,
    )}\n`;
    const secret = `{"clientid":"zot","clientsecret":"${"canary-".repeat(8)}"}\n`;
    const credentialsFile = path.join(folder, `oidc-credentials.${sha256(secret)}.json`);
    const { binary } = { binary: readMachine().zot.path };
    const zot = startZotService({ folder, binary, configFile, url: `http://127.0.0.1:${port}` });
    const put = (file: string, text: string, mode: number) => {
        fs.rmSync(file, { recursive: true, force: true });
        fs.writeFileSync(file, text);
        fs.chmodSync(file, mode);
    };
    const write = () => {
        put(configFile, config, 0o644);
        put(credentialsFile, secret, 0o600);
    };
    write();
    await zot.restart();
    return {
        ssh: sshHost,
        zot,
        folder,
        configFile,
        config,
        credentialsFile,
        secret,
        inputs: {
            connection: {
                host: sshHost.host,
                port: sshHost.port,
                user: sshHost.user,
                hostKey: sshHost.hostPublicKey,
                privateKey: sshHost.privateKeyPem,
            },
            config,
            secretFiles: [credentialsFile],
            configFile,
            binary,
            rootDirectory: images,
            serviceManager: "command",
        },
        async repair() {
            write();
            fs.rmSync(`${configFile}.zot-hardening`, { recursive: true, force: true });
            if (zot.pid() === undefined) await zot.restart();
        },
        async stop() {
            zot.stop();
            await sshHost.stop();
            fs.rmSync(folder, { recursive: true, force: true });
        },
    };
}

/** Plays the engine's part: check, then create, or diff and update. */
export interface ObservationDriver {
    said: string[];
    state: { inputs: PropertyMap; outputs: PropertyMap } | undefined;
    preview(inputs: PropertyMap): Promise<"create" | "update" | "same">;
    up(inputs: PropertyMap): Promise<"create" | "update" | "same">;
}

export function observationDriver(
    options: {
        environment?: NodeJS.ProcessEnv;
        limits?: Partial<SshLimits>;
        cancelled?: AbortSignal;
        registryProblem?: (url: string) => Promise<string | undefined>;
    } = {},
): ObservationDriver {
    const handler: ResourceHandler = hostObservation({
        environment: options.environment ?? {},
        limits: options.limits,
        registryProblem: options.registryProblem,
    });
    const said: string[] = [];
    const context: CallContext = {
        urn: "urn:pulumi:test::project::zot:index/hostObservation:HostObservation::registry",
        log: async (severity, message) => void said.push(`${severity}: ${message}`),
        cancelled: options.cancelled ?? new AbortController().signal,
    };
    const run = async (given: PropertyMap, preview: boolean) => {
        const { inputs, failures } = await handler.check!(
            { inputs: given, oldInputs: driver.state?.inputs, randomSeed: new Uint8Array() },
            context,
        );
        if (failures?.length) throw new Error(failures.map(({ reason }) => reason).join(" "));
        const { state } = driver;
        if (!state) {
            const made = await handler.create({ inputs, preview, name: "registry" }, context);
            if (!preview) driver.state = { inputs, outputs: made.properties };
            return "create";
        }
        const old = { id: "registry", oldInputs: state.inputs, oldOutputs: state.outputs };
        if (!(await handler.diff({ ...old, inputs }, context)).changes) {
            if (!preview) driver.state = { inputs, outputs: state.outputs };
            return "same";
        }
        const outputs = await handler.update({ ...old, inputs, preview }, context);
        if (!preview) driver.state = { inputs, outputs };
        return "update";
    };
    const driver: ObservationDriver = {
        said,
        state: undefined,
        preview: (inputs) => run(inputs, true),
        up: (inputs) => run(inputs, false),
    };
    return driver;
}
