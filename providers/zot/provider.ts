/** The provider of the package `zot`, in the form that the protocol needs. */
import type { Provider } from "../protocol";
import { apiKey } from "./apiKey";
import { clientSecret } from "./clientSecret";
import { checkConfiguration, configurationFrom } from "./configuration";
import { hostObservation } from "./hostObservation";
import { hostWithdrawal } from "./hostWithdrawal";
import {
    apiKeyToken,
    clientSecretToken,
    hostObservationToken,
    hostWithdrawalToken,
    packageName,
    packageVersion,
} from "./package";
import { type Services, servicesFrom } from "./services";

/**
 * `environment` provides `AUTHENTIK_URL`, `AUTHENTIK_TOKEN`, `SSH_AUTH_SOCK` and the proxy's variables.
 */
export function zotProvider(environment: NodeJS.ProcessEnv = process.env): Provider {
    let services: Services | undefined;
    const configured = () => {
        if (!services) throw new Error("The zot provider was used before it was configured.");
        return services;
    };
    return {
        name: packageName,
        version: packageVersion,
        // Only code generators ask for it.
        schema: () => (require("./schema") as typeof import("./schema")).packageSchema(),
        checkConfig: (config) => Promise.resolve({ inputs: config, failures: checkConfiguration(config) }),
        configure: (config) => {
            services = servicesFrom(configurationFrom(config, environment), environment);
            return Promise.resolve();
        },
        resources: {
            [apiKeyToken]: apiKey(configured),
            [clientSecretToken]: clientSecret(configured),
            [hostObservationToken]: hostObservation({
                environment,
                registryProblem: (url) => Promise.resolve(services?.registryProblem(url)),
            }),
            [hostWithdrawalToken]: hostWithdrawal({ environment }),
        },
    };
}
