/** Typed, validated stack configuration. `fromPulumi` and `fromStackFile` are its two readers. */

export { isLoopback } from "../../clients/http/address";
export { ACTIONS, type Action } from "./actions";
export {
    allSettings,
    goDurationSeconds,
    type MirrorSetting,
    type RepositoryRuleSetting,
    type Settings,
} from "./declarations";
export { extraConfigMistakes } from "./extraConfig";
export { nameOfKey, type ParsedSettings, type PolicySettings, parseSettings, type RawSettings } from "./parse";
export { covers, literalPrefix, matchesPattern, mayOverlap, mayPrevail, patternMistake } from "./patterns";
export { isSecretHeader, isSecretKey, secretIn, withoutSecrets, withoutSecretsIn } from "./secrets";
export { isMap, SecretText, type SettingMistake, SettingsError, setCommand, shown } from "./setting";
