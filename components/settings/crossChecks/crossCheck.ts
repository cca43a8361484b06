/** A check of several settings against each other. */
import type { Settings } from "../declarations";
import type { RawSettings } from "../rawSettings";
import type { SettingMistake } from "../setting";

export interface CrossCheck {
    /** Settings that must be readable; otherwise the check is skipped. */
    needs: string[];
    /** @param isUsable whether a setting beside them could be read, by its name */
    check(settings: Settings, site: RawSettings["site"], isUsable: (name: string) => boolean): SettingMistake[];
}

/** A mistake; its sentence begins with the setting's name. */
export const mistake = (setting: string, message: string): SettingMistake => ({
    setting,
    message: `${setting}: ${message}`,
});
