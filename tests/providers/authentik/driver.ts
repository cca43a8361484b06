/** Plays the engine's part towards the provider, without gRPC: check, then create, read, diff, update, delete. */

import type { Patience } from "../../../clients/authentik/api";
import { authentikProvider } from "../../../providers/authentik/provider";
import type { CallContext, PropertyMap, Provider, ResourceState } from "../../../providers/protocol";

/** So that tests of failures take no time. */
export const shortPatience: Patience = {
    refused: 300,
    starting: 2_000,
    answer: 20_000,
    firstPause: 10,
    longestPause: 40,
    attempts: 4,
};

export interface Driver {
    provider: Provider;
    /** Severity and text of what the person was told. */
    log: string[];
    check(type: string, inputs: PropertyMap, oldInputs?: PropertyMap): Promise<PropertyMap>;
    failures(type: string, inputs: PropertyMap): Promise<string[]>;
    create(type: string, inputs: PropertyMap): Promise<Managed>;
    preview(type: string, inputs: PropertyMap): Promise<ResourceState>;
    read(
        type: string,
        id: string,
        known?: { properties: PropertyMap; inputs: PropertyMap },
    ): Promise<ResourceState | undefined>;
    invoke(name: string, args: PropertyMap): Promise<PropertyMap>;
    /** Deletes whatever the tests made and did not delete themselves. */
    cleanUp(): Promise<void>;
}

/** A resource as the state has it. */
export interface Managed {
    type: string;
    id: string;
    inputs: PropertyMap;
    properties: PropertyMap;
    diff(inputs: PropertyMap): Promise<string[]>;
    update(inputs: PropertyMap): Promise<void>;
    /** Names of the properties that a refresh changed, in inputs or outputs. */
    refresh(): Promise<string[]>;
    delete(): Promise<void>;
}

const token = (type: string) => `authentik:index/${type}:${type.charAt(0).toUpperCase()}${type.slice(1)}`;

export async function driver(url: string, apiToken: string, patience: Patience = shortPatience): Promise<Driver> {
    const provider = authentikProvider({ AUTHENTIK_URL: url, AUTHENTIK_TOKEN: apiToken }, patience);
    await provider.configure({});
    const log: string[] = [];
    const context = (type: string): CallContext => ({
        urn: `urn:pulumi:test::test::${token(type)}::thing`,
        log: async (severity, message) => void log.push(`${severity}: ${message}`),
        cancelled: new AbortController().signal,
    });
    const handler = (type: string) => {
        const found = provider.resources[token(type)];
        if (!found) throw new Error(`no resource ${type}`);
        return found;
    };
    const made: Managed[] = [];

    const checkResult = (type: string, inputs: PropertyMap, oldInputs?: PropertyMap) =>
        handler(type).check!({ inputs, oldInputs, randomSeed: new Uint8Array([1, 2, 3]) }, context(type));
    const check = async (type: string, inputs: PropertyMap, oldInputs?: PropertyMap) => {
        const result = await checkResult(type, inputs, oldInputs);
        if (result.failures?.length) throw new Error(result.failures.map((failure) => failure.reason).join("; "));
        return result.inputs;
    };

    function manage(type: string, state: { id: string; inputs: PropertyMap; properties: PropertyMap }): Managed {
        const managed: Managed = {
            type,
            ...state,
            diff: async (inputs) => {
                const checked = await check(type, inputs, managed.inputs);
                const result = await handler(type).diff(
                    { id: managed.id, oldOutputs: managed.properties, oldInputs: managed.inputs, inputs: checked },
                    context(type),
                );
                return Object.entries(result.properties ?? {}).map(([name, { kind }]) => `${kind} ${name}`);
            },
            update: async (inputs) => {
                const checked = await check(type, inputs, managed.inputs);
                const request = {
                    id: managed.id,
                    oldOutputs: managed.properties,
                    oldInputs: managed.inputs,
                    inputs: checked,
                    preview: false,
                };
                managed.properties = await handler(type).update(request, context(type));
                managed.inputs = checked;
            },
            refresh: async () => {
                const state = await handler(type).read(
                    { id: managed.id, properties: managed.properties, inputs: managed.inputs },
                    context(type),
                );
                if (!state) return ["gone"];
                const changed = (before: PropertyMap, after: PropertyMap) =>
                    [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
                        (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
                    );
                const names = [
                    ...changed(managed.inputs, state.inputs ?? {}).map((name) => `input ${name}`),
                    ...changed(managed.properties, state.properties).map((name) => `output ${name}`),
                ];
                names.sort();
                managed.id = state.id;
                managed.inputs = state.inputs ?? {};
                managed.properties = state.properties;
                return names;
            },
            delete: async () => {
                await handler(type).delete(
                    { id: managed.id, properties: managed.properties, inputs: managed.inputs },
                    context(type),
                );
                if (made.includes(managed)) made.splice(made.indexOf(managed), 1);
            },
        };
        return managed;
    }

    return {
        provider,
        log,
        check: (type, inputs, oldInputs) => check(type, inputs, oldInputs),
        failures: async (type, inputs) =>
            ((await checkResult(type, inputs)).failures ?? []).map(
                (failure) => `${failure.property}: ${failure.reason}`,
            ),
        create: async (type, inputs) => {
            const checked = await check(type, inputs);
            const state = await handler(type).create({ inputs: checked, preview: false, name: "thing" }, context(type));
            const managed = manage(type, { id: state.id, inputs: checked, properties: state.properties });
            made.push(managed);
            return managed;
        },
        preview: async (type, inputs) =>
            handler(type).create({ inputs: await check(type, inputs), preview: true, name: "thing" }, context(type)),
        read: (type, id, known) =>
            handler(type).read({ id, properties: known?.properties ?? {}, inputs: known?.inputs ?? {} }, context(type)),
        invoke: async (name, args) => {
            const { result, failures } = await provider.functions![`authentik:index/${name}:${name}`]!.invoke(
                args,
                context(""),
            );
            if (failures?.length) throw new Error(failures.map((failure) => failure.reason).join("; "));
            return result!;
        },
        cleanUp: async () => {
            for (const managed of [...made].reverse()) await managed.delete();
        },
    };
}
