/** Checks settings against each other. Pure. */

import { isDeepStrictEqual } from "node:util";
import { type JsonMap, valueAt } from "../../zotJson";
import { allSettings, settingOf } from "../declarations";
import { placesOf, type SettingMistake } from "../setting";
import { accessChecks } from "./access";
import { ciChecks } from "./ci";
import { type CrossCheck, mistake } from "./crossCheck";
import { hostChecks } from "./host";
import { memberChecks, ofEachMachine } from "./members";
import { storageChecks } from "./storage";
import { workloadChecks } from "./workloads";
import { zotChecks } from "./zot";

/** Settings that have no effect without another one, as their declarations say. */
const unmetNeeds: CrossCheck[] = allSettings().flatMap(({ name, setting }) => {
    const needed = setting.needs;
    if (needed === undefined) return [];
    const why = `it is set without ${needed}, so it has no effect; set ${needed} as well, or remove it.`;
    return {
        needs: [name, needed],
        check: (settings) =>
            settingOf(settings, name) !== undefined && settingOf(settings, needed) === undefined
                ? [mistake(name, why)]
                : [],
    };
});

/** Places in zot's config that both a setting and `zot.extraConfig` decide. */
const doubles: CrossCheck[] = allSettings().flatMap(({ name, setting }) =>
    placesOf(setting)
        // A setting that only derives something from its value does not collide with the site's own value.
        .filter(({ yields, write }) => yields && write === undefined)
        .map(({ path }) => ({
            needs: [name, "zot.extraConfig"],
            check: (settings) => {
                const own = valueAt(settings.zot.extraConfig as JsonMap, path.split("."));
                if (own === undefined || isDeepStrictEqual(settingOf(settings, name), setting.default)) return [];
                return [mistake(name, `zot.extraConfig has ${path} as well; set it here, and remove it there.`)];
            },
        })),
);

const siteChecks: CrossCheck[] = [
    {
        needs: [],
        check: (_settings, site) => {
            if (!site) return [];
            const mistakes: SettingMistake[] = [];
            if (!site.hasAuthentikUrl) {
                mistakes.push({
                    setting: "authentik:url",
                    message:
                        "authentik:url is not set: the URL of Authentik's API. " +
                        "Set it with: pulumi config set authentik:url https://authentik.example.org (or " +
                        "AUTHENTIK_URL in the environment)",
                });
            }
            if (!site.hasAuthentikToken) {
                mistakes.push({
                    setting: "authentik:token",
                    message:
                        "authentik:token is not set: an API token of Authentik. " +
                        "Set it with: pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the " +
                        "environment)",
                });
            }
            return mistakes;
        },
    },
];

/** Every check, in the order of the messages. */
export const crossChecks: CrossCheck[] = [
    ...accessChecks,
    ...zotChecks,
    ...doubles,
    ...storageChecks,
    ...ciChecks,
    ...workloadChecks,
    ...ofEachMachine(hostChecks),
    ...memberChecks,
    ...ofEachMachine(unmetNeeds),
    ...siteChecks,
];
