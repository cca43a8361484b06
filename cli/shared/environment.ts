/** Environments for other programs: a secret goes only to programs that need it. */
import { withoutUserinfo } from "../../clients/http/address";
import { isSecretKey, secretIn } from "../../components/settings";

/** Without these no program is found, or starts as it should. */
const NEEDED = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TMPDIR|TERM|SSH_AUTH_SOCK|DISPLAY|XDG_\w+)$/;

/**
 * An environment for a program that needs no secret: a browser, git. It filters by the names of variables and by the
 * form of their values, such as a backend's address with its password (components/settings/secrets.ts). The address of
 * a proxy stays, without its user and password.
 */
export const withoutSecretVariables = (environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
    Object.fromEntries(
        Object.entries(environment).flatMap(([name, value = ""]) => {
            if (isSecretKey(name)) return [];
            if (NEEDED.test(name)) return [[name, value]];
            const bare = /_proxy$/i.test(name) ? withoutUserinfo(value, "").replace("//@", "//") : value;
            return secretIn(bare) === undefined ? [[name, bare]] : [];
        }),
    );

/** What Pulumi's CLI does not need: the tokens and keys that these commands are given. */
const NOT_FOR_PULUMI =
    /^(AUTHENTIK(_[A-Z]+)*_TOKEN|SETUP_SSH_PASSPHRASE|ZOT_SSH_PRIVATE_KEY|ZOT_CI_API_KEY|(FORGE|FORGEJO|GITEA|GITHUB|GH|GIT|FORGE_BOT)_TOKEN|ACTIONS_[A-Z_]*TOKEN)$/;

/**
 * An environment for Pulumi's CLI, which decrypts a stack and reaches its backend, and does nothing else for a command.
 */
export const pulumiVariables = (environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
    Object.fromEntries(Object.entries(environment).filter(([name]) => !NOT_FOR_PULUMI.test(name)));

/** The same for an update, whose program may read its token for Authentik from the environment. */
export const updateVariables = (environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv => ({
    ...pulumiVariables(environment),
    ...(environment.AUTHENTIK_TOKEN === undefined ? {} : { AUTHENTIK_TOKEN: environment.AUTHENTIK_TOKEN }),
});
