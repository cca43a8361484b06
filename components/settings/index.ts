/** Typed, validated stack configuration. `fromPulumi` and `fromStackFile` are its two readers. */
export { ACTIONS, type Action, allSettings, type MirrorSetting, type RepositoryRuleSetting, type Settings, goDurationSeconds, isLoopback } from "./declarations";
export { parseSettings, type ParsedSettings, type PolicySettings, type RawSettings } from "./parse";
export { SecretText, SettingsError, type SettingMistake, setCommand } from "./setting";
export { literalPrefix, mayOverlap, patternMistake } from "./patterns";
