/**
 * The resource ClientSecret: the secret by which zot logs people in. A client that is in Authentik already keeps the
 * one that it has, so that taking a site over changes nothing that its zot goes by; a new one gets the one that was
 * generated.
 */
import { type CheckFailure, isKnown, type PropertyMap, type ResourceHandler, UNKNOWN } from "../protocol";
import type { Services } from "./services";

export const clientSecretInputs = {
    clientId: { type: "string", description: "The client's id in Authentik." },
    value: {
        type: "string",
        secret: true,
        description:
            "The secret of a new client, and the next one of any: another value is put in its place. " +
            "As an output, the one in use.",
    },
} as const;

export function clientSecret(services: () => Pick<Services, "authentik">): ResourceHandler {
    return {
        secretProperties: ["value"],
        check: ({ inputs }) => Promise.resolve({ inputs, failures: mistakesIn(inputs) }),
        diff({ oldInputs, inputs }) {
            const isOther = !isKnown(inputs.value) || oldInputs.value !== inputs.value;
            return Promise.resolve(
                isOther ? { changes: true, properties: { value: { kind: "update" } } } : { changes: false },
            );
        },
        async create({ inputs, preview, name }) {
            const outputs = { ...inputs };
            if (isKnown(inputs.clientId)) {
                const present = await services()
                    .authentik()
                    .clientSecret(inputs.clientId as string)
                    .catch((error: unknown) => {
                        // A token for previews may not see it.
                        if (preview) return undefined;
                        throw error;
                    });
                if (present) outputs.value = present;
            }
            return { id: preview ? UNKNOWN : name, properties: outputs };
        },
        read: ({ id, properties, inputs }) => Promise.resolve({ id, properties, inputs }),
        update: ({ inputs }) => Promise.resolve({ ...inputs }),
        // It belongs to the client.
        delete: () => Promise.resolve(),
    };
}

function mistakesIn(inputs: PropertyMap): CheckFailure[] {
    return Object.keys(clientSecretInputs).flatMap((property) => {
        const value = inputs[property];
        return !isKnown(value) || (typeof value === "string" && value !== "")
            ? []
            : [{ property, reason: `${property} is missing.` }];
    });
}
