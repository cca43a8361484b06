/**
 * The resource ApiKey: an API key of a service account. A login without a browser mints it, and the first update after
 * its rotation time rotates it in place.
 */
import { durationText, momentText } from "../../clients/durations";
import { labelFor, ownerOf, ownerText } from "../../clients/zot/keyOwner";
import type { ZotSession } from "../../clients/zot/session";
import {
    type CallContext,
    isKnown,
    PartialFailure,
    type PropertyDiff,
    type PropertyMap,
    type ResourceHandler,
    sameValue,
    UNKNOWN,
} from "../protocol";
import {
    type ApiKeyInputs,
    checkInputs,
    inputDefinitions,
    inputsOf,
    outputDefinitions,
    outputsOf,
    stateOf,
} from "./apiKeyProperties";
import { AfterMinting, executePlan, type PlanOutcome } from "./executePlan";
import { checkRegistry, withLogin } from "./keyLogin";
import { GENERATION, predecessorsText, predecessorText, refusedText, reportForeign, reportKeys } from "./keyMessages";
import { keysSeenBy, prove } from "./keyProof";
import { type Due, due, type KeyState, plan, predecessorOf } from "./plan";
import type { Services } from "./services";

/** The outputs that a new key changes. */
const MINTED_OUTPUTS = Object.keys(outputDefinitions);

export function apiKey(services: () => Services): ResourceHandler {
    const resource = new ApiKeyResource(services);
    return {
        secretProperties: ["key"],
        check: ({ inputs, oldInputs }) => Promise.resolve(checkInputs(inputs, oldInputs)),
        diff: (request, context) => resource.diff(request, context),
        create: (request, context) => resource.create(request, context),
        read: (request, context) => resource.read(request, context),
        update: (request, context) => resource.update(request, context),
        delete: (request, context) => resource.delete(request, context),
    };
}

function changedInputs(before: PropertyMap, after: PropertyMap): Record<string, PropertyDiff> {
    const changed: Record<string, PropertyDiff> = {};
    for (const name of Object.keys(inputDefinitions)) {
        // The issuer only says where a password may go at the next login; a new one changes nothing by itself.
        if (name === "issuer" || sameValue(before[name], after[name])) continue;
        const kind = before[name] === undefined ? "add" : after[name] === undefined ? "delete" : "update";
        changed[name] = { kind: name === "user" && isKnown(after[name]) ? "update-replace" : kind };
    }
    return changed;
}

/** Names of the outputs that the planned work changes. */
function changedOutputs({ mint, over, prove: toProve }: Due): string[] {
    if (mint) return MINTED_OUTPUTS;
    return [...(over.length > 0 ? ["predecessors"] : []), ...(toProve ? ["status"] : [])];
}

class ApiKeyResource {
    constructor(private readonly services: () => Services) {}

    /** Compares inputs, and considers the time and the results of the last refresh. Sends no requests. */
    async diff(
        { oldOutputs, oldInputs, inputs }: Parameters<ResourceHandler["diff"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["diff"]> {
        const properties = changedInputs(oldInputs, inputs);
        if (isKnown(inputs) && properties.user === undefined) {
            const { state } = stateOf(oldOutputs);
            const changed = changedOutputs(due(state, inputsOf(inputs).wanted, new Date()));
            for (const name of changed) properties[name] = { kind: "update", inputDiff: false };
            if (Object.keys(properties).length === 0 && state.predecessors.length > 0)
                await context.log("info", predecessorsText(state.predecessors, inputs.user as string));
        }
        // Of two keys of one user, each would be taken for an orphan of the other.
        return { changes: Object.keys(properties).length > 0, properties, deleteBeforeReplace: true };
    }

    async create(
        { inputs, preview }: Parameters<ResourceHandler["create"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["create"]> {
        if (preview) {
            if (isKnown(inputs)) {
                const { user, registryUrl, wanted } = inputsOf(inputs);
                await context.log(
                    "info",
                    `An API key of ${user} will be made at ${registryUrl}, ` +
                        `for ${durationText(wanted.lifetime)}.\n` +
                        `If ${user} has keys already, they keep working for ` +
                        `${durationText(wanted.predecessorLifetime)}; the first update after that revokes them.`,
                );
            }
            return { id: UNKNOWN, properties: { ...inputs, ...unknownOutputs() } };
        }
        const id = idOf(inputsOf(inputs));
        const done = await withLogin(this.services(), inputsOf(inputs), context, (session, clockAhead) =>
            this.reconcile({ id, inputs, before: undefined, session, clockAhead }, context),
        );
        return { id, properties: outputsOf(inputs, done.state, done.key!) };
    }

    async update(
        { id, oldOutputs, inputs, preview }: Parameters<ResourceHandler["update"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["update"]> {
        if (preview) return this.previewUpdate(oldOutputs, inputs, context);

        const before = stateOf(oldOutputs);
        const wanted = inputsOf(inputs);
        const oldUrl = oldOutputs.registryUrl as string;
        const isElsewhere = oldUrl !== wanted.registryUrl;
        const found = due(before.state, wanted.wanted, new Date());
        if (!found.mint && found.over.length === 0 && !found.prove && !isElsewhere)
            return outputsOf(inputs, before.state, before.key);

        if (!found.mint) {
            await checkRegistry(this.services(), wanted, context);
            const reconciled = await this.reconcileWithKey(before, inputs, found, context);
            if (reconciled) return outputsOf(inputs, reconciled, before.key);
        }
        const done = await withLogin(this.services(), inputsOf(inputs), context, (session, clockAhead) =>
            this.reconcile({ id, inputs, before, session, clockAhead }, context),
        );
        if (isElsewhere && done.key !== undefined) await this.retire(oldUrl, wanted.user, before, context);
        return outputsOf(inputs, done.state, done.key ?? before.key);
    }

    /**
     * Asks the registry whether the key still works, and which other keys exist. In an update, the next run uses the
     * result.
     */
    async read(
        { id, properties, inputs }: Parameters<ResourceHandler["read"]>[0],
        context: CallContext,
    ): ReturnType<ResourceHandler["read"]> {
        if (properties.key === undefined || properties.key === null) {
            throw new Error(
                "An API key cannot be imported: zot reveals its secret only once, when it is made. " +
                    "Declare it, and pulumi up makes a new one; " +
                    "the existing keys keep working for a while as its predecessors.",
            );
        }
        const { state, key } = stateOf(properties);
        const { registryUrl, user, wanted, takeOver } = inputsOf(inputs);
        const keys = await keysSeenBy(this.services().holder(registryUrl, user, key));
        if (!keys?.some((record) => record.uuid === state.uuid)) {
            await context.log(
                "warning",
                `The registry ${registryUrl} no longer accepts the API key ${state.uuid} of ${user}: ` +
                    "it expired, was revoked, or the registry lost its database. The next pulumi up makes a new one.",
            );
            return { id, properties: outputsOf(inputs, { ...state, status: "unusable" }, key), inputs };
        }
        const now = new Date();
        const seen = plan({
            state,
            wanted: { ...wanted, generation: state.generation },
            now,
            keys,
            owner: ownerOf(context.urn),
            takeOver,
        });
        const orphans = seen.orphans
            .filter((orphan) => orphan.uuid !== state.uuid)
            .map((orphan) => predecessorOf(orphan, now));
        // If the key itself is due, it is among the predecessors; a refresh must not decide that.
        const others = [...seen.predecessors, ...seen.over].filter((predecessor) => predecessor.uuid !== state.uuid);
        const unknown = seen.found.filter((predecessor) => predecessor.uuid !== state.uuid);
        if (unknown.length > 0) {
            await context.log(
                "warning",
                `${user} has API keys at ${registryUrl} that this stack did not make: ` +
                    `${unknown.map(predecessorText).join("; ")}. ` +
                    `If nobody made them by hand, the key has leaked: raise ${GENERATION} by one.`,
            );
        }
        await reportForeign(seen, user, context);
        const status = state.status === "unusable" ? "usable" : state.status;
        return {
            id,
            properties: outputsOf(inputs, { ...state, status, predecessors: [...others, ...orphans] }, key),
            inputs,
        };
    }

    /** Revokes every key of the user. */
    async delete(
        { properties, inputs }: Parameters<ResourceHandler["delete"]>[0],
        context: CallContext,
    ): Promise<void> {
        const { state, key } = stateOf(properties);
        // The outputs say where the key is; the inputs may come from an update that failed.
        const where = inputsOf({ ...inputs, registryUrl: properties.registryUrl!, user: properties.user! });
        const holder = this.services().holder(where.registryUrl, where.user, key);
        const keys = await keysSeenBy(holder);
        if (keys?.some((record) => record.uuid === state.uuid)) {
            const others = keys.filter((record) => record.uuid !== state.uuid);
            for (const other of others) await holder.keys.revoke(other.uuid);
            // Last, because the key authorizes its own revocation.
            await holder.keys.revoke(state.uuid);
            return;
        }
        await withLogin(
            this.services(),
            inputsOf({ ...inputs, registryUrl: where.registryUrl, user: where.user }),
            context,
            async (session) => {
                for (const record of await session.listApiKeys()) await session.revokeApiKey(record.uuid);
            },
        ).catch((error: unknown) => {
            throw new Error(
                `${textOf(error)} Therefore it is not known whether ${where.user} has API keys left at ` +
                    `${where.registryUrl}. They would keep working, and pass to any later user of that name. ` +
                    "Correct this and try again. If the registry is gone for good, " +
                    "remove the key from the state: pulumi state delete URN.",
            );
        });
    }

    private async previewUpdate(
        oldOutputs: PropertyMap,
        inputs: PropertyMap,
        context: CallContext,
    ): Promise<PropertyMap> {
        const { state, key } = stateOf(oldOutputs);
        if (!isKnown(inputs)) return { ...oldOutputs, ...inputs, ...unknownOutputs() };
        const { user, wanted, registryUrl } = inputsOf(inputs);
        const now = new Date();
        const found = due(state, wanted, now);
        const outputs = outputsOf(inputs, state, key);
        if (found.mint) {
            const fate = found.revokeOthers
                ? `The present one, ${state.uuid}, and every other key of ${user} are revoked at once, so CI stops until it has the new one.${
                      state.predecessors.length > 0
                          ? ` The others that are known: ${state.predecessors.map(({ uuid }) => uuid).join(", ")}.`
                          : ""
                  }`
                : [
                      state.status === "unusable" || Date.parse(state.expires) <= now.getTime()
                          ? ""
                          : `The present one, ${state.uuid}, keeps working until about ` +
                            `${momentText(new Date(Math.min(now.getTime() + wanted.predecessorLifetime, Date.parse(state.expires))))}.`,
                      state.predecessors.length > 0 ? predecessorsText(state.predecessors, user) : "",
                  ]
                      .filter(Boolean)
                      .join(" ");
            await context.log("info", `A new API key of ${user} will be made: ${found.mint.why}. ${fate}`.trim());
            return { ...outputs, ...unknownOutputs() };
        }
        if (oldOutputs.registryUrl !== registryUrl) {
            await context.log(
                "info",
                `The update will check whether the registry at ${registryUrl} accepts the API key of ${user}. ` +
                    "If not, it makes a new one there.",
            );
            return { ...outputs, ...unknownOutputs() };
        }
        if (state.predecessors.length > 0) await context.log("info", predecessorsText(state.predecessors, user));
        const predecessors = state.predecessors.filter((predecessor) => !found.over.includes(predecessor));
        return outputsOf(inputs, { ...state, predecessors, status: found.prove ? "usable" : state.status }, key);
    }

    /**
     * Does what the key can do by itself, without a login: revoke predecessors, and prove that it may push. Undefined
     * if that is not enough.
     */
    private async reconcileWithKey(
        before: { state: KeyState; key: string },
        inputs: PropertyMap,
        found: Due,
        context: CallContext,
    ): Promise<KeyState | undefined> {
        const { registryUrl, user, wanted, repository, takeOver, label } = inputsOf(inputs);
        const holder = this.services().holder(registryUrl, user, before.key);
        const keys = await keysSeenBy(holder);
        if (!keys?.some((record) => record.uuid === before.state.uuid)) return undefined;
        if (found.prove && repository !== undefined && (await holder.mayPush(repository)) !== "may push")
            return undefined;
        const owner = ownerOf(context.urn);
        const next = plan({ state: before.state, wanted, now: new Date(), keys, owner, takeOver });
        if (next.mint) return undefined;
        const done = await executePlan({
            plan: next,
            state: before.state,
            wanted,
            keys: holder.keys,
            label: labelFor(label, owner),
            expires: new Date(before.state.expires),
            prove: async () => {},
        });
        await reportKeys(next, user, before.state.uuid, context);
        return { ...done.state, status: "usable" };
    }

    /** Carries out the plan for the user's keys in a session. */
    private async reconcile(
        {
            id,
            inputs,
            before,
            session,
            clockAhead,
        }: {
            id: string;
            inputs: PropertyMap;
            before: { state: KeyState; key: string } | undefined;
            session: ZotSession;
            clockAhead: number;
        },
        context: CallContext,
    ): Promise<PlanOutcome> {
        const { registryUrl, user, wanted, label, repository, takeOver } = inputsOf(inputs);
        const owner = ownerOf(context.urn);
        const keys = await session.listApiKeys();
        const now = new Date();
        const next = plan({ state: before?.state, wanted, now, keys, owner, takeOver });
        if (next.refusedFor.length > 0) {
            throw new Error(refusedText(next.refusedFor.map(ownerText), user, registryUrl));
        }
        const proveKey = (key: string) =>
            prove(this.services().holder(registryUrl, user, key), repository, registryUrl);
        let done: PlanOutcome;
        try {
            done = await executePlan({
                plan: next,
                state: before?.state,
                wanted,
                keys: session.apiKeys,
                label: labelFor(label, owner),
                expires: new Date(now.getTime() + clockAhead + wanted.lifetime),
                prove: proveKey,
            });
        } catch (error) {
            if (!(error instanceof AfterMinting)) throw error;
            throw new PartialFailure(error.message, {
                id,
                properties: outputsOf(inputs, error.reached.state, error.reached.key!),
                inputs,
            });
        }
        await reportKeys(next, user, before?.state.uuid, context);
        if (next.mint && before) {
            const former = done.state.predecessors.find((predecessor) => predecessor.uuid === before.state.uuid);
            const until = former
                ? `by ${momentText(former.revokeAfter)}, when the former one is revoked`
                : "now, because the former one no longer works";
            await context.log("info", `${user} has a new API key: ${next.mint.why}. Hand it to CI ${until}.`);
        }
        if (next.mint || !before) return done;
        // The login has refreshed the groups that zot remembers, so the proof is tried again.
        if (before.state.status !== "usable") await proveKey(before.key);
        return { ...done, state: { ...done.state, status: "usable" } };
    }

    /** Revokes our keys at a registry that is no longer the declared one. It may be gone already. */
    private async retire(
        registryUrl: string,
        user: string,
        before: { state: KeyState; key: string },
        context: CallContext,
    ): Promise<void> {
        const { state, key } = before;
        const uuids = state.predecessors.map((predecessor) => predecessor.uuid);
        try {
            const { keys } = this.services().holder(registryUrl, user, key);
            // The key that authorizes the revocations goes last.
            for (const uuid of [...uuids, state.uuid]) await keys.revoke(uuid);
            await context.log("info", `The API keys of ${user} at the former registry ${registryUrl} were revoked.`);
        } catch (error) {
            await context.log(
                "warning",
                `${textOf(error)} Therefore the API keys of ${user} at the former registry ${registryUrl} ` +
                    `(${[...uuids, state.uuid].join(", ")}) are not revoked; ` +
                    `the last of ours expires on ${momentText(state.expires)}.`,
            );
        }
    }
}

const unknownOutputs = (): PropertyMap => Object.fromEntries(MINTED_OUTPUTS.map((name) => [name, UNKNOWN]));

/** The id stays the same when the key is rotated. */
const idOf = ({ user, registryUrl }: ApiKeyInputs) => `${user}@${new URL(registryUrl).host}`;

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
