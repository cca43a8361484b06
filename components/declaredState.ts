/**
 * Settings -> policy -> config: everything that is declared, derived without Pulumi, state, secret or network. Pure.
 */
import { type AccessMatrix, type AccessPolicy, accessMatrix } from "./accessPolicy";
import { parseSettings, type RawSettings, type Settings, SettingsError } from "./settings";
import {
    configMistakes,
    declaredPolicy,
    namelessSecretFiles,
    renderZotConfig,
    type SecretFiles,
    type ZotConfig,
} from "./zotConfig";

export interface DeclaredState {
    /**
     * The checked settings. If the raw settings came from a stack's file without a site, `settings.host` may lack what
     * only the site knows.
     */
    settings: Settings;
    /** The policy of the rendered config, including `zot.extraConfig`. */
    policy: AccessPolicy;
    matrix: AccessMatrix;
    /** zot's config. Without `files`, the names of the secret files hold `<sha256>` instead of the hash. */
    zotConfig(files?: SecretFiles): ZotConfig;
}

/**
 * Checks the settings and derives what they declare.
 *
 * @param where names the stack in the message, for example `Pulumi.prod.yaml`. Default: no name.
 * @throws SettingsError with every mistake, one sentence each
 */
export function declaredState(raw: RawSettings, where?: string): DeclaredState {
    const { settings, mistakes, policyIsReadable } = parseSettings(raw);
    if (policyIsReadable) {
        // A contradiction among access.* is already reported; the checks of the policy would report it again.
        const isKnown = mistakes.some(({ setting }) => /^(access|identity)\b/.test(setting));
        mistakes.push(...configMistakes(settings).filter(({ setting }) => !(isKnown && setting === "access.rules")));
    }
    if (mistakes.length > 0) throw new SettingsError(mistakes, where);

    const zotConfig = (files = namelessSecretFiles(settings)) => renderZotConfig(settings, files);
    const policy = declaredPolicy(settings);
    return { settings, policy, matrix: accessMatrix(policy), zotConfig };
}
