/** What the machines of a registry say together and with other settings, and must not. Pure. */
import { type Json, type JsonMap, valueAt } from "../../zotJson";
import type { Settings } from "../declarations";
import { membersOf } from "../members";
import type { SettingMistake } from "../setting";
import { type CrossCheck, mistake } from "./crossCheck";

export const memberChecks: CrossCheck[] = [
    { needs: ["host.members"], check: namedTwice },
    { needs: ["host.members", "zot.extraConfig"], check: sharedState },
];

/** The same checks of the host, for each machine; what only some of them have wrong names those. */
export function ofEachMachine(checks: readonly CrossCheck[]): CrossCheck[] {
    return checks.map(({ needs, check }) => ({
        needs: [...needs, "host.members"],
        check: (settings, site) => {
            const machines = membersOf(settings);
            const found = machines.map((machine) => check(machine.settings, site));
            const messages = [...new Map(found.flat().map((one) => [one.message, one])).values()];
            return messages.map((one) => {
                const having = machines.filter((_machine, index) =>
                    found[index]!.some(({ message }) => message === one.message),
                );
                if (having.length === machines.length) return one;
                const names = having.map(({ name }) => name).join(", ");
                return { ...one, message: `${one.message} (host.members: ${names})` };
            });
        },
    }));
}

function namedTwice(settings: Settings): SettingMistake[] {
    const { members, address, hostKey } = settings.host;
    if (members.length === 0) return [];
    const both = Object.entries({ address, hostKey })
        .filter(([, value]) => value !== undefined)
        .map(([key]) =>
            mistake(
                `host.${key}`,
                "it is set, and so is host.members, which names every machine; " +
                    `remove it: pulumi config rm --path host.${key}`,
            ),
        );
    const places = membersOf(settings).map(({ settings: own }) => `${own.host.address.toLowerCase()} ${own.host.port}`);
    const doubles = places.flatMap((place, index) =>
        places.indexOf(place) < index
            ? [
                  mistake(
                      `host.members[${index}]`,
                      `it has the address and port of host.members[${places.indexOf(place)}]; remove one of them.`,
                  ),
              ]
            : [],
    );
    const names = membersOf(settings).map(({ name }) => name.toLowerCase());
    const namesakes = names.flatMap((name, index) =>
        names.indexOf(name) < index && !doubles.some(({ setting }) => setting === `host.members[${index}]`)
            ? [
                  mistake(
                      `host.members[${index}]`,
                      `it has the name of host.members[${names.indexOf(name)}]; give its own.`,
                  ),
              ]
            : [],
    );
    const isNobody = members.every(({ away }) => away === true);
    const nobody = isNobody
        ? [mistake("host.members", "every machine is away, and there is none to deploy to; remove one away: true.")]
        : [];
    return [...both, ...doubles, ...namesakes, ...nobody];
}

/** What each instance of zot has to share with the others (facts of zot 2.1.20), where it is, and what comes of it. */
const SHARED: { path: string; isShared: (value: Json | undefined) => boolean; without: string; give: string }[] = [
    {
        path: "storage.storageDriver",
        isShared: (value) => value !== undefined,
        without: "each machine would keep images of its own",
        give: '{"name": "s3", "rootdirectory": …, "region": …, "bucket": …}',
    },
    {
        path: "storage.remoteCache",
        isShared: (value) => value === true,
        without: "each machine would keep what it knows of blobs and keys to itself",
        give: "true",
    },
    {
        path: "storage.cacheDriver",
        isShared: (value) => value !== undefined,
        without: "a key made on one machine would be unknown on the others",
        give: '{"name": "redis", "url": "redis://HOST:6379", "keyprefix": "zot"}',
    },
    {
        path: "http.auth.sessionDriver",
        isShared: (value) => value !== undefined,
        without: "whoever logs in on one machine would be a stranger on the others",
        give: '{"name": "redis", "url": "redis://HOST:6379", "keyprefix": "zotsession"}',
    },
];

function sharedState(settings: Settings): SettingMistake[] {
    if (settings.host.members.length < 2) return [];
    const extra = settings.zot.extraConfig as JsonMap;
    return SHARED.filter(({ path, isShared }) => !isShared(valueAt(extra, path.split(".")))).map(
        ({ path, without, give }) =>
            mistake(
                "zot.extraConfig",
                `${path} is missing, while host.members names ${settings.host.members.length} machines: ${without}; ` +
                    `give ${give}.`,
            ),
    );
}
