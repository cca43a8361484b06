/** What other programs are started with: a secret is in the environment of those that need it, and of nobody else. */
import { isSecretKey } from "../../components/settings";

/**
 * An environment for a program that needs no secret: a browser, git. By the names of the variables
 * (components/settings/secrets.ts), whoever's they are.
 */
export const withoutSecretVariables = (environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
    Object.fromEntries(Object.entries(environment).filter(([name]) => !isSecretKey(name)));

/** What Pulumi's CLI has no use for: the tokens and keys that these commands are given. */
const NOT_FOR_PULUMI =
    /^(AUTHENTIK(_[A-Z]+)*_TOKEN|SETUP_SSH_PASSPHRASE|ZOT_SSH_PRIVATE_KEY|ZOT_CI_API_KEY|(FORGE|FORGEJO|GITEA|GITHUB|GH|GIT|FORGE_BOT)_TOKEN|ACTIONS_[A-Z_]*TOKEN)$/;

/** An environment for Pulumi's CLI, which decrypts a stack and reaches its backend, and does nothing else for a command. */
export const pulumiVariables = (environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
    Object.fromEntries(Object.entries(environment).filter(([name]) => !NOT_FOR_PULUMI.test(name)));

/** The same for an update, whose program may have its token for Authentik from the environment. */
export const updateVariables = (environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv => ({
    ...pulumiVariables(environment),
    ...(environment.AUTHENTIK_TOKEN === undefined ? {} : { AUTHENTIK_TOKEN: environment.AUTHENTIK_TOKEN }),
});
