/** A check of what several settings say together. */
import type { Settings } from "../declarations";
import type { RawSettings } from "../rawSettings";
import type { SettingMistake } from "../setting";

export interface CrossCheck {
    /** Settings that have to be readable for the check to make sense. */
    needs: string[];
    check(settings: Settings, site: RawSettings["site"]): SettingMistake[];
}

/** A mistake whose sentence begins with the setting's name. */
export const mistake = (setting: string, message: string): SettingMistake => ({
    setting,
    message: `${setting}: ${message}`,
});
