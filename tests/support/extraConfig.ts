/** What a site is refused for, for tests of zot.extraConfig. */
import { declaredState } from "../../components/declaredState";
import { SettingsError } from "../../components/settings";
import { rawSettings, siteSettings } from "./settings";

export type Changes = Record<string, Record<string, unknown>>;

/** The sentences that this zot.extraConfig is refused with; none where it is accepted. */
export function refusals(extraConfig: object, changes: Changes = {}): string[] {
    try {
        declaredState(rawSettings({ ...changes, zot: { ...changes.zot, extraConfig } }));
        return [];
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return error.mistakes.map((mistake) => mistake.message.replace(/^zot\.extraConfig: /, ""));
    }
}

/** zot's config with this zot.extraConfig in it. */
export const rendered = (extraConfig: object = {}, changes: Changes = {}) =>
    siteSettings({ ...changes, zot: { ...changes.zot, extraConfig } }).zotConfig() as Record<string, any>;
