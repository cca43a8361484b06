/**
 * The part that all resources share: it turns a table of properties and five calls of the API into the operations of
 * the engine.
 *
 * The semantics are those of the Terraform provider and its bridge, so programs can switch between the two. A property
 * with a default, or one that is empty by default, is corrected if someone changed it by hand. A property that
 * Authentik computes (`absent: "unmanaged"`) only counts if the program sets it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { during } from "../../clients/authentik/call";
import type { Client } from "../../clients/authentik/client";
import { failureIn, isNotFound } from "../../clients/authentik/failures";
import { isAtLeast } from "../../clients/authentik/version";
import { type Retrying, retrying } from "../../clients/http/retry";
import { UserError } from "../../clients/userError";
import {
    type CallContext,
    PartialFailure,
    type PropertyMap,
    type ResourceHandler,
    type ResourceState,
} from "../protocol";
import { checkInputs } from "./check";
import { type FieldOf, isLeftOut, type ResourceDefinition, secretsOf } from "./definition";
import { isDuplicate } from "./errors";
import { isNothing, sameProperty } from "./propertyTypes";
import { PropertyTable } from "./table";
import { Words, withArticle } from "./words";

/** How often to look again, and after what pause, if the object was written but the outcome is unknown. */
const looks = { times: 3, pause: 700 };

const isUncertain = (error: unknown) => failureIn(error)?.kind === "uncertain";
const untilCertain = ({ answerLimit }: Client): Retrying => ({
    // If Authentik has fallen silent, only once more.
    worth: (error) => (isUncertain(error) ? { attempts: looks.times, within: 1.5 * answerLimit } : undefined),
    firstPause: looks.pause,
    longestPause: looks.pause,
});

/** The API's field whose value another object already has; undefined for any other failure. */
function duplicateField(error: unknown): string | undefined {
    const failure = failureIn(error);
    if (failure?.kind !== "invalid") return undefined;
    return Object.entries(failure.fields).find(([, complaints]) => complaints.some(isDuplicate))?.[0];
}

export function resourceHandler<Answer extends object, Request extends object>(
    definition: ResourceDefinition<Answer, Request>,
    clientOf: () => Client,
): ResourceHandler {
    return new Resource(definition, clientOf).handler();
}

class Resource<Answer extends object, Request extends object> {
    private readonly table: PropertyTable<Answer, Request>;
    private readonly words: Words<Answer, Request>;

    constructor(
        private readonly definition: ResourceDefinition<Answer, Request>,
        private readonly clientOf: () => Client,
    ) {
        this.table = new PropertyTable(definition, () => clientOf().versionIfSeen);
        this.words = new Words(this.table, () => clientOf().url);
    }

    handler(): ResourceHandler {
        return {
            secretProperties: secretsOf(this.definition),
            check: (request, context) => Promise.resolve(checkInputs(this.table, request, resourceName(context.urn))),
            diff: (request) => Promise.resolve(this.table.diff(request.inputs, request.oldInputs, request.oldOutputs)),
            create: (request, context) =>
                request.preview
                    ? Promise.resolve(this.table.preview(request.inputs))
                    : during(context, () => this.create(request.inputs, request.name, context), request.timeoutSeconds),
            read: (request, context) =>
                during(context, () => this.read(request.id, request.properties, request.inputs)),
            update: (request, context) =>
                request.preview
                    ? Promise.resolve(this.table.preview(request.inputs, request.oldOutputs).properties)
                    : during(
                          context,
                          () => this.update(request.id, request.inputs, request.oldInputs, request.oldOutputs, context),
                          request.timeoutSeconds,
                      ),
            delete: (request, context) =>
                during(context, () => this.delete(request.id, request.properties), request.timeoutSeconds),
        };
    }

    private async create(inputs: PropertyMap, resourceName: string, context: CallContext): Promise<ResourceState> {
        const client = this.clientOf();
        const request = this.table.toRequest(inputs);
        const work = async () => {
            await this.requireVersion(client, inputs);
            // Looked up before the write: after an uncertain answer it is then clear which object is new.
            const before = await this.findAny(client, request);
            if (before.length > 0) throw this.words.duplicate(inputs, resourceName, before[0]!);
            return this.createCertainly(client, inputs, request, resourceName);
        };
        const key = this.definition.serialKey?.(inputs);
        const answer = await this.words.translated("add", inputs, () =>
            client.writing(() =>
                key === undefined ? work() : client.oneAfterAnother(`${this.definition.token} ${key}`, work),
            ),
        );
        return this.afterWrite(
            client,
            answer,
            inputs,
            new Set(Object.keys(this.definition.ownProperties ?? {}).filter((name) => inputs[name] !== undefined)),
            context,
        );
    }

    /**
     * Creates an object. If the answer leaves the outcome open, it looks whether the object exists. No such object
     * existed before, so it is ours if it matches the request. If it does not exist, the write failed and is sent
     * again.
     */
    private createCertainly(
        client: Client,
        inputs: PropertyMap,
        request: Request,
        resourceName: string,
    ): Promise<Answer> {
        const mine = (found: Answer[]) =>
            found.length === 1 && this.table.isAsAsked(found[0]!, inputs) ? found[0] : undefined;
        const afterFailure = async (error: unknown, attempt: number): Promise<Answer> => {
            const field = duplicateField(error);
            if (field === undefined && !isUncertain(error)) throw error;
            const found =
                field === undefined
                    ? await this.findAgain(client, request)
                    : await this.findAny(client, request, field);
            // A duplicate is ours if the first attempt was committed while the second one was on its way.
            const made = field === undefined || attempt > 1 ? mine(found) : undefined;
            if (made) return made;
            if (field === undefined && found.length === 0) throw error;
            throw this.words.duplicate(inputs, resourceName, found[0], field);
        };
        const create = async (attempt: number): Promise<Answer> => {
            try {
                return await this.definition.create(client, request);
            } catch (error) {
                return afterFailure(error, attempt);
            }
        };
        return retrying(create, untilCertain(client));
    }

    /**
     * Looks several times: the worker of a broken request may still be working on it, so one look does not prove that
     * nothing exists.
     */
    private async findAgain(client: Client, request: Request): Promise<Answer[]> {
        await sleep(looks.pause);
        const found = await this.definition.find(client, request);
        if (found.length > 0) return found;
        await sleep(2 * looks.pause);
        return this.definition.find(client, request);
    }

    private async read(
        id: string,
        oldOutputs: PropertyMap,
        oldInputs: PropertyMap,
    ): Promise<ResourceState | undefined> {
        const client = this.clientOf();
        const reason = this.definition.checkId?.(id);
        if (reason)
            throw new UserError(
                `${JSON.stringify(id)} cannot be the id of ${withArticle(this.definition.noun)}: ${reason}. ` +
                    `${this.definition.idHelp}`,
            );
        return this.words.translated("view", { ...oldOutputs, [this.definition.idOutput]: id }, async () => {
            try {
                const answer = await client.reading(() => this.readOrFindMoved(client, id, oldOutputs));
                const isImport = Object.keys(oldInputs).length === 0;
                const properties = await this.toOutputs(client, answer, { ...oldOutputs, ...oldInputs }, oldOutputs);
                return {
                    id: this.definition.idOf(answer),
                    properties,
                    inputs: isImport
                        ? this.table.importedInputs(properties)
                        : this.table.refreshedInputs(oldInputs, properties),
                };
            } catch (error) {
                if (isNotFound(error)) return undefined;
                throw error;
            }
        });
    }

    private async readOrFindMoved(client: Client, id: string, oldOutputs: PropertyMap): Promise<Answer> {
        try {
            return await this.definition.read(client, this.currentId(id, oldOutputs));
        } catch (error) {
            const moved = isNotFound(error) ? await this.definition.findMoved?.(client, oldOutputs) : undefined;
            if (!moved || !this.table.isTheSame(moved, oldOutputs)) throw error;
            return moved;
        }
    }

    private async update(
        id: string,
        inputs: PropertyMap,
        oldInputs: PropertyMap,
        oldOutputs: PropertyMap,
        context: CallContext,
    ): Promise<PropertyMap> {
        const client = this.clientOf();
        const changed = new Set(this.table.differences(inputs, oldInputs, oldOutputs));
        const answer = await this.words.translated("change", { ...oldOutputs, ...inputs }, () =>
            client.writing(async () => {
                await this.requireVersion(client, inputs);
                const changes = this.table.toChanges(inputs, changed);
                const currentId = this.currentId(id, oldOutputs);
                if (!changes) return this.definition.read(client, currentId);
                return this.updateCertainly(client, currentId, changes, inputs, changed, oldOutputs);
            }),
        );
        return (await this.afterWrite(client, answer, inputs, changed, context)).properties;
    }

    private updateCertainly(
        client: Client,
        id: string,
        changes: Partial<Request>,
        inputs: PropertyMap,
        changed: ReadonlySet<string>,
        oldOutputs: PropertyMap,
    ): Promise<Answer> {
        // After a change of the slug, the new slug leads to the object.
        const ids = new Set([id, this.currentId(id, { ...oldOutputs, ...inputs })]);
        const alreadyUpdated = async (): Promise<Answer | undefined> => {
            for (const candidate of ids) {
                const now = await this.readIfThere(client, candidate);
                if (now && this.table.isAsAsked(now, inputs, changed) && this.table.isTheSame(now, oldOutputs))
                    return now;
            }
            return undefined;
        };
        return retrying(async (attempt) => {
            const updated = attempt > 1 ? await alreadyUpdated() : undefined;
            return updated ?? this.definition.update(client, id, changes);
        }, untilCertain(client));
    }

    private async readIfThere(client: Client, id: string): Promise<Answer | undefined> {
        try {
            return await this.definition.read(client, id);
        } catch (error) {
            if (isNotFound(error)) return undefined;
            throw error;
        }
    }

    private async delete(id: string, properties: PropertyMap): Promise<void> {
        const client = this.clientOf();
        await this.words.translated("delete", properties, () =>
            client.writing(async () => {
                const currentId = this.currentId(id, properties);
                await retrying(async () => {
                    try {
                        await this.definition.delete(client, currentId);
                    } catch (error) {
                        if (!isNotFound(error)) throw error;
                    }
                }, untilCertain(client));
            }),
        );
    }

    /** The last steps of a write. If one fails, what exists by then is saved in the state. */
    private async afterWrite(
        client: Client,
        answer: Answer,
        inputs: PropertyMap,
        changed: ReadonlySet<string>,
        context: CallContext,
    ): Promise<ResourceState> {
        const id = this.definition.idOf(answer);
        try {
            await this.words.translated(
                "change",
                inputs,
                () => this.definition.afterWrite?.(client, answer, inputs, changed) ?? Promise.resolve(),
            );
            const properties = await this.words.translated("view", inputs, () =>
                this.toOutputs(client, answer, inputs, inputs),
            );
            for (const property of this.table.properties) {
                const said = inputs[property.name];
                if (property.field === undefined || property.ignoredWhereUnknown || isNothing(said)) continue;
                if (
                    !isLeftOut(property, (answer as Record<string, unknown>)[property.field]) ||
                    sameProperty(property.type, said, property.default)
                )
                    continue;
                await context.log(
                    "warning",
                    `Authentik ${(await client.version()) ?? ""} ignored ${property.name}: ` +
                        "it does not know this property.",
                );
            }
            return { id, properties };
        } catch (error) {
            const fields = this.table.fieldOutputs(answer, inputs);
            throw new PartialFailure((error as Error).message, {
                id,
                properties: fields,
                inputs: withoutOwn(inputs, this.definition.ownProperties ?? {}),
            });
        }
    }

    private async toOutputs(
        client: Client,
        answer: Answer,
        reference: PropertyMap,
        oldOutputs: PropertyMap,
    ): Promise<PropertyMap> {
        const values = this.table.fieldOutputs(answer, reference);
        return { ...values, ...(await this.definition.extraOutputs?.(client, answer, reference, oldOutputs)) };
    }

    private currentId(id: string, properties: PropertyMap): string {
        return this.definition.currentId?.(id, properties) ?? id;
    }

    /** A token may be allowed to create but not to list; then Authentik's own check has to suffice. */
    private async findAny(client: Client, request: Request, by?: string): Promise<Answer[]> {
        try {
            return await this.definition.find(client, request, by as FieldOf<Request> | undefined);
        } catch (error) {
            if (failureIn(error)?.kind === "forbidden") return [];
            throw error;
        }
    }

    private async requireVersion(client: Client, inputs: PropertyMap): Promise<void> {
        for (const property of this.table.properties) {
            const said = inputs[property.name];
            if (
                !property.since ||
                property.ignoredWhereUnknown ||
                isNothing(said) ||
                sameProperty(property.type, said, property.default)
            )
                continue;
            const version = await client.version();
            if (version && !isAtLeast(version, property.since)) {
                throw new UserError(
                    `${property.name} needs Authentik ${property.since} or newer; ` +
                        `the one at ${client.url} is ${version}.`,
                );
            }
        }
    }
}

const withoutOwn = (inputs: PropertyMap, own: Record<string, unknown>): PropertyMap =>
    Object.fromEntries(Object.entries(inputs).filter(([name]) => !(name in own)));

const resourceName = (urn: string) => urn.split("::").slice(3).join("::");
