/** zot's config.json: rendered from settings, and checked for what `zot verify` lets through. */

export type { Json, JsonMap } from "../zotJson";
export { policyInEffect, policyOf } from "./accessControl";
export { binaryTypeIn, type Lack, lacksOf } from "./build";
export {
    type Caches,
    cachesOf,
    cachesWithoutFolder,
    type OtherCache,
    overlap,
    patternsOfCache,
    withFolders,
} from "./caches";
export { clientWarnings } from "./clientWarnings";
export { configSecrets, hasConfigSecrets, secretsForHost } from "./configSecrets";
export { configMistakes } from "./lint";
export { formerAccounts, type OtherLogin, otherLogins } from "./logins";
export {
    declaredPolicy,
    loginCallbackUrl,
    namelessSecretFiles,
    readOnlyConfig,
    renderZotConfig,
    type SecretFiles,
    secretFiles,
    type ZotConfig,
} from "./render";
export { type SettingsOfConfig, settingsOfConfig, switchedOff, type Untaken } from "./settingsOfConfig";
export { type ImagePlace, imagePlace, type MetadataPlace, metadataPlace, movedStorage } from "./storagePlaces";
export { timeoutWarnings } from "./timeouts";
export { type UnmanagedParts, unmanagedParts } from "./unmanaged";
export { type ConfigSecrets, configText, withConfigSecrets } from "./withSecrets";
