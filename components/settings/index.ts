/** Typed, checked stack configuration. Its two readers are `fromPulumi` and `fromStackFile`. */

export { ACTIONS, type Action } from "./actions";
export {
    allSettings,
    declarations,
    type MemberSetting,
    type MirrorSetting,
    type RepositoryRuleSetting,
    type Settings,
    settingOf,
    type WorkloadSetting,
} from "./declarations";
export { extraConfigMistakes } from "./extraConfig";
export { type HostSettings, hostSettings } from "./hostSettings";
export { another, other, quoted } from "./meanings";
export { hasMembers, type Member, membersOf } from "./members";
export { type ParsedSettings, type PolicySettings, parseSettings, withFlatNames } from "./parse";
export { covers, literalPrefix, matchesPattern, mayOverlap, mayPrevail, patternMistake } from "./patterns";
export type { RawSettings } from "./rawSettings";
export { isSecretHeader, isSecretKey, secretIn, withoutSecrets, withoutSecretsIn } from "./secrets";
export {
    type ChangeMeaning,
    type Effect,
    hasItems,
    isMap,
    placesOf,
    SecretText,
    type Setting,
    type SettingMistake,
    SettingsError,
    setCommand,
    shown,
    type Weigh,
    type ZotPlace,
} from "./setting";
export { byName, nameOfKey } from "./stackKeys";
export { type CiAccount, ciAccounts, FIRST_WORKLOAD, type Workload, type WorkloadKey, workloadsOf } from "./workloads";
