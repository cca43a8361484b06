/** Typed, validated stack configuration. `fromPulumi` and `fromStackFile` are its two readers. */
export { ACTIONS, type Action } from "./actions";
export { allSettings, type MirrorSetting, type RepositoryRuleSetting, type Settings, goDurationSeconds } from "./declarations";
export { extraConfigMistakes } from "./extraConfig";
export { nameOfKey, parseSettings, type ParsedSettings, type PolicySettings, type RawSettings } from "./parse";
export { isSecretHeader, isSecretKey, secretIn, withoutSecrets, withoutSecretsIn } from "./secrets";
export { isMap, SecretText, SettingsError, type SettingMistake, setCommand, shown } from "./setting";
export { covers, literalPrefix, matchesPattern, mayOverlap, mayPrevail, patternMistake } from "./patterns";
export { isLoopback } from "../../clients/loopback";
