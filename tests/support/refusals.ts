/** Refusals of settings, sentence by sentence, for their tests. */
import { declaredState } from "../../components/declaredState";
import { allSettings, SettingsError } from "../../components/settings";
import { rawSettings } from "./settings";

export type Changes = Record<string, Record<string, unknown>>;

/** The sentences that a site with these changes is refused with; none where it is accepted. */
export function refusals(changes: Changes): string[] {
    try {
        declaredState(rawSettings(changes));
        return [];
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return error.mistakes.map((mistake) => mistake.message);
    }
}

/** A change of one setting, by its name. */
export const change = (name: string, value: unknown): Changes => {
    const [group, key] = name.split(".") as [string, string];
    return { [group]: { [key]: value } };
};
/** What a setting says is allowed. */
export const allowed = (name: string) => allSettings().find((setting) => setting.name === name)!.setting.allowed;
