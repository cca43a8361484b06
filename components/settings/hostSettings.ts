/** What the host is told of the settings, from their declarations. Pure. */
import { allSettings, type Settings, settingOf } from "./declarations";

/** The groups that hold what is told. */
export type HostSettings = Pick<Settings, "registry" | "zot" | "identity" | "host">;

/** Each setting that is told by one way, under its name there, in the order of the settings. */
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
