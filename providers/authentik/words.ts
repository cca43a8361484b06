/** A resource's messages to the author of the program, if Authentik does not do what was asked. */
import { type ApiFailure, failureIn } from "../../clients/authentik/failures";
import { UserError } from "../../clients/userError";
import type { PropertyMap } from "../protocol";
import { missingPermission } from "./errors";
import type { PropertyTable } from "./table";

export type Verb = "add" | "view" | "change" | "delete";
const verbs: Record<Verb, string> = { add: "create", view: "read", change: "change", delete: "delete" };

export class Words<Answer extends object, Request extends object> {
    /** @param url Authentik's address */
    constructor(
        private readonly table: PropertyTable<Answer, Request>,
        private readonly url: () => string,
    ) {}

    duplicate(inputs: PropertyMap, resourceName: string, found: Answer | undefined, field?: string): UserError {
        const clash = found && this.table.definition.clash?.(inputs, found);
        if (clash)
            return new UserError(
                `The ${this.table.definition.noun} (${this.table.definition.label(inputs)}) cannot be made in ` +
                    `Authentik at ${this.url()}: ${clash}.`,
            );
        const property = field && this.table.properties.find((candidate) => candidate.field === field)?.name;
        const which = property
            ? `${property} ${JSON.stringify(inputs[property])}`
            : `${this.table.definition.keyProperty} ${JSON.stringify(inputs[this.table.definition.keyProperty])}`;
        const id = found ? this.table.definition.idOf(found) : undefined;
        return new UserError(
            `The ${this.table.definition.noun} already exists in Authentik at ${this.url()}: ` +
                `${which} is taken${id ? ` by the one with the id ${id}` : ""}. ` +
                `To take it over: pulumi import ${this.table.definition.token} ${quoted(resourceName)} ` +
                `${id ? quoted(id) : `ID (${this.table.definition.idHelp})`}. ` +
                `To make a new one: choose another ${property ?? this.table.definition.keyProperty}.`,
        );
    }

    /** Runs an operation, and rewords what goes wrong for the author of the program. */
    async translated<Result>(verb: Verb, inputs: PropertyMap, work: () => Promise<Result>): Promise<Result> {
        try {
            return await work();
        } catch (error) {
            const failure = failureIn(error);
            if (!failure) throw error;
            throw new UserError(this.explain(verb, inputs, failure));
        }
    }

    private explain(verb: Verb, inputs: PropertyMap, failure: ApiFailure): string {
        const label = this.table.definition.label(inputs);
        const what = `${this.table.definition.noun}${label ? ` ${JSON.stringify(label)}` : ""}`;
        switch (failure.kind) {
            case "forbidden": {
                const { app, model } = this.table.definition.permission;
                return missingPermission(this.url(), `${verbs[verb]} the ${what}`, `${app}.${verb}_${model}`, failure)
                    .message;
            }
            case "not-found":
                return (
                    `The ${what} is gone from Authentik at ${this.url()}, or refers to something that is gone. ` +
                    "Run: pulumi refresh"
                );
            case "invalid": {
                const refusal = this.table.definition.refusal?.(failure);
                if (refusal) return `Authentik at ${this.url()} refused the ${what}: ${refusal}.`;
                const complaints = Object.entries(failure.fields).map(([field, texts]) => {
                    const name = this.table.properties.find((property) => property.field === field)?.name ?? field;
                    return `${name ? `${name}: ` : ""}${texts.join(" ")}`;
                });
                return (
                    `Authentik at ${this.url()} refused the ${what}: ` +
                    `${complaints.length > 0 ? complaints.join("; ") : failure.message}`
                );
            }
            case "uncertain":
                return (
                    `${failure.message} It is not known whether the ${what} was ${verb === "add" ? "created" : `${verb}d`}. ` +
                    "Run pulumi up again. If it then says that it already exists, import it."
                );
            default:
                return `${failure.message} (While trying to ${verbs[verb]} the ${what}.)`;
        }
    }
}

export const withArticle = (noun: string) => `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;

const quoted = (argument: string) =>
    /^[\w./:@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
