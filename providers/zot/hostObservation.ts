/**
 * The resource HostObservation: a look at the registry's host, which finds changes that were not made by a deployment.
 * The remote command cannot see them. A difference raises `pushes`. That number is part of what is sent to the host, so
 * the deployment is sent again.
 */

import { runOverSsh, SshError, type SshLimits } from "../../clients/ssh";
import { WHOLE_SCRIPT } from "../../host/scripts";
import { stateFolder } from "../../host/stateFolder";
import { type CallContext, type PropertyMap, type ResourceHandler, UNKNOWN } from "../protocol";
import { firstDeployment } from "./firstDeployment";
import { type Circumstances, compare, type Findings, reportOutput } from "./hostDrift";
import { checkObservation, type Declared, type Observation, observationOf } from "./hostObservationInputs";
import { type KnownZot, scriptFor } from "./hostObservationScript";
import { HostRefusal, type HostReport, hasBegun, readReport } from "./hostReport";

function knownZot({ report }: PropertyMap): KnownZot | undefined {
    const { zotBinary: binary, zotVersion: version } = (report ?? {}) as PropertyMap;
    return typeof binary === "string" && typeof version === "string" ? { binary, version } : undefined;
}

interface Observed {
    report: HostReport;
    findings: Findings;
    /** What must be corrected before a deployment, one sentence each. */
    mistakes: string[];
}

export interface ObservationOptions {
    /** Provides `SSH_AUTH_SOCK`. */
    environment: NodeJS.ProcessEnv;
    limits?: Partial<SshLimits>;
    /** Why CI could not log in at a registry's public URL. Default: not checked. */
    registryProblem?: (url: string) => Promise<string | undefined>;
}

export function hostObservation(options: ObservationOptions): ResourceHandler {
    const resource = new HostObservationResource(options);
    return {
        secretProperties: ["connection", "configSecrets"],
        check: ({ inputs }) => Promise.resolve(checkObservation(inputs)),
        diff: (request, context) => resource.diff(request, context),
        create: (request, context) => resource.create(request, context),
        read: (request, context) => resource.read(request, context),
        update: (request, context) => resource.update(request, context),
        delete: (request, context) => resource.delete(request, context),
    };
}

class HostObservationResource {
    /**
     * What the last Diff of each resource has seen, for the update that follows it, so that a Diff and its update need
     * only one look.
     */
    private readonly seen = new Map<string, Observed>();
    /**
     * After each Read of a refresh the engine asks for a diff of what was just read (3.259); that needs no look.
     */
    private readonly justRead = new Set<string>();

    constructor(private readonly options: ObservationOptions) {}

    /**
     * Looks at the host. Changed inputs are no difference by themselves: the remote command has them too, and the
     * engine keeps the new ones with an unchanged resource.
     */
    async diff(
        { oldInputs, inputs, oldOutputs }: Parameters<ResourceHandler["diff"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["diff"]> {
        this.seen.delete(context.urn);
        if (this.justRead.delete(context.urn)) return { changes: false };
        const observed = await this.observedAfter(oldInputs, inputs, oldOutputs, context);
        if (!observed) return { changes: false };
        const former = observationOf(oldInputs, this.options.environment)?.declared?.config;
        await this.refuse(observed, inputs, context, { isKnown: true, former });
        if (observed.findings.drift.length === 0) {
            await reportNotes(observed, context);
            return { changes: false };
        }
        this.seen.set(context.urn, observed);
        const added = oldOutputs.report === undefined || oldOutputs.report === null;
        return {
            changes: true,
            properties: {
                pushes: { kind: "update", inputDiff: false },
                report: { kind: added ? "add" : "update", inputDiff: false },
            },
        };
    }

    /**
     * Before the first deployment nothing can differ. But this reports what a deployment will do, and what would stop
     * it, before anything is changed.
     */
    async create(
        { inputs, preview, name }: Parameters<ResourceHandler["create"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["create"]> {
        const observation = observationOf(inputs, this.options.environment);
        const outputs: PropertyMap = { pushes: 0 };
        if (observation?.look) {
            const observed = await this.observe(observation, { asksRegistry: "always" }, context);
            await reportNotes(observed, context);
            await this.refuse(observed, inputs, context, { isKnown: false });
            outputs.report = reportOutput(observed.report, observation.declared);
        }
        return { id: preview ? UNKNOWN : name, properties: outputs };
    }

    /** Looks at nothing: the next diff does. A refresh has to work even if the host is away. */
    async read(
        { id, properties, inputs }: Parameters<ResourceHandler["read"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["read"]> {
        if (properties.pushes === undefined || properties.pushes === null)
            throw new Error("A host observation cannot be imported: declare it, and pulumi up makes it.");
        this.justRead.add(context.urn);
        return { id, properties, inputs };
    }

    async update(
        { oldInputs, inputs, oldOutputs, preview }: Parameters<ResourceHandler["update"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["update"]> {
        const observed =
            this.seen.get(context.urn) ?? (await this.observedAfter(oldInputs, inputs, oldOutputs, context));
        this.seen.delete(context.urn);
        if (!observed) return oldOutputs;
        const pushes = typeof oldOutputs.pushes === "number" ? oldOutputs.pushes : 0;
        const differs = observed.findings.drift.length > 0;
        if (differs) await reportDrift(observed, observationOf(inputs, this.options.environment)!, preview, context);
        await reportNotes(observed, context);
        return {
            pushes: pushes + (differs ? 1 : 0),
            report: reportOutput(observed.report, observationOf(inputs, this.options.environment)?.declared),
        };
    }

    /**
     * By now the command has withdrawn the config; or something else has run in its place without an error. The command
     * cannot tell one from the other.
     */
    async delete({ inputs }: Parameters<ResourceHandler["delete"]>[0], context: CallContext): Promise<void> {
        const observation = observationOf(inputs, this.options.environment);
        if (!observation?.declared) return;
        let report: HostReport;
        try {
            report = await this.report(
                { ...observation, planned: undefined },
                observation.declared,
                undefined,
                context,
            );
        } catch (error) {
            await context.log(
                "warning",
                `It is not known whether the config was withdrawn. ${(error as Error).message}`,
            );
            return;
        }
        if (report.configText !== observation.declared.config || report.lastDeployment === "") return;
        throw new Error(
            "The declared config is still in force on the registry's host " +
                `${observation.connection.host}, although the command that was to withdraw it ended without an ` +
                "error: something else ran in its place. " +
                "Look for ForceCommand in sshd_config, command= in authorized_keys, " +
                "and exit or exec in the start-up files of the user's shell. " +
                "Correct it, run pulumi up, which repeats the deployment, and then pulumi destroy. " +
                `To leave the host as it is: pulumi state delete '${context.urn}'`,
        );
    }

    /** What is on a host that was deployed before; undefined if it must not be looked at, or was another host. */
    private async observedAfter(
        oldInputs: PropertyMap,
        inputs: PropertyMap,
        oldOutputs: PropertyMap,
        context: CallContext,
    ): Promise<Observed | undefined> {
        const observation = observationOf(inputs, this.options.environment);
        if (!observation?.look) return undefined;
        const before = observationOf(oldInputs, this.options.environment);
        const isSameHost =
            before?.connection.host === observation.connection.host &&
            before.connection.port === observation.connection.port &&
            before.configFile === observation.configFile;
        const last = isSameHost ? before?.declared : undefined;
        // A host that replaces another one gets the public name last.
        const asksRegistry =
            typeof oldInputs.registryUrl === "string" && oldInputs.registryUrl !== observation.registryUrl
                ? "always"
                : isSameHost
                  ? "before the first deployment"
                  : "never";
        const circumstances: Circumstances = {
            // Until a difference is found, the state holds what was there when the resource was made.
            foundSha256:
                oldOutputs.pushes === 0
                    ? ((oldOutputs.report as PropertyMap | undefined)?.configSha256 as string | undefined)
                    : undefined,
            serviceChanges: JSON.stringify(before?.variables) !== JSON.stringify(observation.variables),
        };
        return this.observe(
            observation,
            { last, known: isSameHost ? knownZot(oldOutputs) : undefined, asksRegistry, circumstances },
            context,
        );
    }

    /** What is on the host, what of it differs, and what would stop a deployment. */
    private async observe(
        observation: Observation,
        {
            last,
            known,
            asksRegistry,
            circumstances,
        }: {
            last?: Declared;
            known?: KnownZot;
            asksRegistry: "always" | "before the first deployment" | "never";
            circumstances?: Circumstances;
        },
        context: CallContext,
    ): Promise<Observed> {
        const { planned, registryUrl, mistakes, connection } = observation;
        const askRegistry = async () =>
            planned && registryUrl !== undefined ? this.options.registryProblem?.(registryUrl) : undefined;
        const early = asksRegistry === "always" ? askRegistry() : undefined;
        const report = await this.report(observation, last, known, context).catch(async (error: Error) => {
            const others = [...mistakes, ...[await early].filter((problem) => problem !== undefined)];
            throw others.length === 0 ? error : new Error(refusal([error.message, ...others]));
        });
        const findings = compare(report, last, observation.declared, namesOf(observation), circumstances);
        const isFirst = report.lastDeployment === "" && asksRegistry !== "never";
        const registryProblem = await (early ?? (isFirst ? askRegistry() : undefined));
        const isDue =
            report.deploymentIsDue === true ||
            findings.drift.length > 0 ||
            (planned !== undefined && last === undefined);
        const found = [...mistakes, ...(isDue ? report.mistakes : [])];
        if (!isDue)
            findings.notes.push(
                ...report.mistakes.map((mistake) => `A deployment to ${connection.host} would be refused: ${mistake}`),
            );
        // Before zot runs for the first time, nothing can answer in its place.
        if (registryProblem !== undefined)
            (report.serving === "not reachable" ? findings.notes : found).push(registryProblem);
        return { report, findings, mistakes: found };
    }

    /**
     * Says what a first deployment will do. Fails, with all reasons, if a deployment would be refused.
     *
     * @param isKnown whether the host was deployed to before, according to the state
     * @param former the config that was declared before
     */
    private async refuse(
        { report, mistakes }: Observed,
        inputs: PropertyMap,
        context: CallContext,
        { isKnown, former }: { isKnown: boolean; former?: string },
    ): Promise<void> {
        const { planned, declared, connection, configFile } = observationOf(inputs, this.options.environment)!;
        // Only a deployment puts the declared config there. The first one may have failed, or the host may be another.
        const wasDeployed = [declared?.config, former].some((one) => one !== undefined && one === report.configText);
        const isLost = isKnown && wasDeployed && planned !== undefined && report.lastDeployment === "";
        const lost = `The record of deployments to ${connection.host}, ${stateFolder(configFile)}, is gone`;
        if (isLost && report.configText === declared?.config) {
            await context.log(
                "warning",
                `${lost}. The config in ` +
                    "force is the declared one, and a failed deployment goes back to it. But what was there before " +
                    "the first deployment is no longer known, so host.onDestroy restore has nothing to restore. " +
                    "The next deployment starts a new record.",
            );
        } else if (planned && report.lastDeployment === "") {
            if (isLost)
                await context.log(
                    "warning",
                    `${lost}. The next deployment compares ${configFile} with the settings as a first one does: it ` +
                        "refuses to remove what the settings do not have. To remove what former settings of this stack " +
                        "put there, name it in zot.dropSettings for that deployment.",
                );
            const order = isLost ? "next" : "first";
            const { text, widens } = firstDeployment(report, planned.config, connection.host, planned.groups, order);
            await context.log(widens ? "warning" : "info", text);
        }
        if (mistakes.length > 0) throw new Error(refusal(mistakes));
    }

    /** Looks at the host in one connection. */
    private async report(
        observation: Observation,
        last: Declared | undefined,
        known: KnownZot | undefined,
        context: CallContext,
    ): Promise<HostReport> {
        const { host } = observation.connection;
        try {
            const ran = await runOverSsh(
                observation.connection,
                { command: WHOLE_SCRIPT, stdin: scriptFor(observation, last, known) },
                { cancelled: context.cancelled, limits: this.options.limits },
            );
            const report = readReport(ran.stdout, observation.configFile);
            if (report) return report;
            const said = (ran.stderr.trim() || ran.stdout.toString("utf8").trim()).slice(0, 500) || "nothing";
            const ended =
                `The look at the registry's host ${host} did not finish ` +
                `(${ran.code === undefined ? "ended by a signal" : `exit ${ran.code}`}). It said: ${said}`;
            if (hasBegun(ran.stdout)) throw new SshError(ended);
            // A deployment would fail in the same way, so it is no use to advise against the look.
            throw new Error(
                `${ended.replace(/\.?$/, ".")} The script did not start, so nothing was changed. ` +
                    `See the login shell of ${observation.connection.user} on the host (getent passwd), ` +
                    "what its start-up files run, and ForceCommand in sshd_config.",
            );
        } catch (error) {
            if (error instanceof HostRefusal)
                throw new Error(
                    `The registry's host ${host} can be neither looked at nor deployed to: ${error.message} ` +
                        "Nothing was changed.",
                );
            if (error instanceof SshError)
                throw new Error(
                    `${error.message} (To go on without a look at the host, set host.observe to false, ` +
                        "or ZOT_HARDENING_LOOK=off in the environment.)",
                );
            throw error;
        }
    }
}

/** All reasons in one message. */
function refusal(mistakes: readonly string[]): string {
    const list =
        mistakes.length === 1 ? ` ${mistakes[0]}` : `\n${mistakes.map((mistake) => `  - ${mistake}`).join("\n")}\n`;
    return (
        "Before anything is changed, this has to be " +
        `corrected:${list}${mistakes.length === 1 ? " " : ""}Nothing was changed, on the host or in Authentik.`
    );
}

const namesOf = ({ connection, binary }: Observation) => ({ host: connection.host, binary });

async function reportDrift(
    { findings: { drift, difference } }: Observed,
    { connection }: Observation,
    preview: boolean,
    context: CallContext,
): Promise<void> {
    const sentence = `The registry's host ${connection.host} is not as it was declared: ${drift.join("; ")}.`;
    await context.log(
        "warning",
        `${sentence} ` +
            (preview ? "pulumi up deploys the declared state again." : "The declared state is deployed again now.") +
            (difference === undefined ? "" : `\n${difference}`),
    );
}

async function reportNotes({ findings }: Observed, context: CallContext): Promise<void> {
    for (const note of findings.notes) await context.log("warning", note);
}
