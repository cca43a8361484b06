/** zot's config.json: rendered from settings, and checked for what `zot verify` lets through. */
export { policyInEffect, policyOf } from "./accessControl";
export type { Json, JsonMap } from "./json";
export { configMistakes } from "./lint";
export { formerAccounts, type OtherLogin, otherLogins } from "./logins";
export { configText, loginCallbackUrl, namelessSecretFiles, readOnlyConfig, renderZotConfig, secretFiles, type SecretFiles, type ZotConfig } from "./render";
export { timeoutWarnings } from "./timeouts";
export { unmanagedParts, type UnmanagedParts } from "./unmanaged";
