/**
 * The resource ClientSecret: the secret with which zot logs people in. A client that already exists in Authentik keeps
 * its secret, so taking over a site changes nothing that its zot relies on. A new client gets the generated secret.
 */
import { type CheckFailure, isKnown, type PropertyMap, type ResourceHandler, UNKNOWN } from "../protocol";
import type { Services } from "./services";

export const clientSecretInputs = {
    clientId: { type: "string", description: "The client's id in Authentik." },
    value: {
        type: "string",
        secret: true,
        description:
            "The secret of a new client. For an existing client a changed value replaces its secret. " +
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
                        // A token for previews may not be allowed to see it.
                        if (preview) return undefined;
                        throw error;
                    });
                if (present) outputs.value = present;
            }
            return { id: preview ? UNKNOWN : name, properties: outputs };
        },
        read: ({ id, properties, inputs }) => Promise.resolve({ id, properties, inputs }),
        update: ({ inputs }) => Promise.resolve({ ...inputs }),
        // The secret belongs to the client and stays with it.
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
