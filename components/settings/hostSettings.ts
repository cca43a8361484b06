/** What the host is told about the settings, as their declarations say. Pure. */
import { allSettings, type Settings, settingOf } from "./declarations";

/** The groups with settings that the host is told. */
export type HostSettings = Pick<Settings, "registry" | "zot" | "identity" | "host">;

/** The settings that the host is told in one of the two ways, by their names there, in the order of the settings. */
export function hostSettings(
    way: "script" | "look",
    settings: Partial<HostSettings>,
): [name: string, value: unknown][] {
    return allSettings().flatMap(({ name, setting: { host } }) => {
        const told = host?.[way];
        if (told === undefined) return [];
        const value = settingOf(settings, name) ?? (host?.without && settingOf(settings, host.without));
        return [[told, value] as [string, unknown]];
    });
}
