/** The provider in the form that the protocol needs, made from the lists in package.ts. */

import { type Patience, usualPatience } from "../../clients/authentik/api";
import { Client } from "../../clients/authentik/client";
import { connectionFrom } from "../../clients/authentik/connection";
import { UserError } from "../../clients/userError";
import type { Provider } from "../protocol";
import { checkConfiguration, isInsecure } from "./configuration";
import { functionHandler } from "./function";
import { functions, packageName, packageVersion, resources } from "./package";
import { resourceHandler } from "./resource";

/** `environment` provides `AUTHENTIK_URL` and `AUTHENTIK_TOKEN`. */
export function authentikProvider(
    environment: NodeJS.ProcessEnv = process.env,
    patience: Patience = usualPatience,
): Provider {
    let client: Client | undefined;
    const clientOf = (): Client => {
        if (!client) throw new UserError("The Authentik provider was used before it was configured.");
        return client;
    };
    return {
        name: packageName,
        version: packageVersion,
        // Only code generators ask for it.
        schema: () => (require("./schema") as typeof import("./schema")).packageSchema(),
        checkConfig: (config) => Promise.resolve({ inputs: config, failures: checkConfiguration(config) }),
        configure: (config) => {
            if (isInsecure(config, environment)) {
                // Node's fetch can be told only this way. The plugin talks to Authentik and, without TLS, to the
                // engine.
                process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
            }
            client = new Client(
                once(() => connectionFrom(config, environment)),
                patience,
            );
            return Promise.resolve();
        },
        resources: Object.fromEntries(
            resources.map((definition) => [definition.token, resourceHandler(definition, clientOf)]),
        ),
        functions: Object.fromEntries(
            functions.map((definition) => [definition.token, functionHandler(definition, clientOf)]),
        ),
    };
}

function once<Value>(make: () => Value): () => Value {
    let made: { value: Value } | undefined;
    return () => (made ??= { value: make() }).value;
}
