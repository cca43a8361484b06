/** Checks a registry's machines against each other and against other settings. Pure. */
import { isIP } from "node:net";
import { isLoopback, urlOf } from "../../../clients/http/address";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../../zotJson";
import { type Settings, settingOf } from "../declarations";
import { isOwnPlace, REDIS_PLACES } from "../declared/storage";
import { membersOf } from "../members";
import { type SettingMistake, shown } from "../setting";
import { type CrossCheck, mistake } from "./crossCheck";

export const memberChecks: CrossCheck[] = [
    { needs: ["host.members"], check: listMistakes },
    { needs: ["host.members", "zot.extraConfig", "storage.bucket", "redis.address"], check: sharedState },
];

/** The checks of the host, for each machine. A mistake that only some machines have names those. */
export function ofEachMachine(checks: readonly CrossCheck[]): CrossCheck[] {
    return checks.map(({ needs, check }) => ({
        needs: [...needs, "host.members"],
        check: (settings, site, isUsable) => {
            const machines = membersOf(settings);
            const found = machines.map((machine) => check(machine.settings, site, isUsable));
            const messages = [...new Map(found.flat().map((one) => [one.message, one])).values()];
            return messages.map((one) => {
                const having = machines.filter((_machine, index) =>
                    found[index]!.some(({ message }) => message === one.message),
                );
                if (having.length === machines.length) return one;
                const names = having.map(({ name }) => name).join(", ");
                return {
                    ...one,
                    message: `${one.message} (This is ${names} alone: correct its entry in host.members.)`,
                };
            });
        },
    }));
}

function listMistakes(settings: Settings): SettingMistake[] {
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
    const machines = membersOf(settings);
    const places = machines.map(({ settings: { host } }) => `${plainAddress(host.address)} ${host.port}`);
    const names = machines.map(({ name }) => name.toLowerCase());
    // A place that occurs twice is reported once.
    const twice = machines.flatMap((_machine, index) => {
        const [ofPlace, ofName] = [places.indexOf(places[index]!), names.indexOf(names[index]!)];
        if (ofPlace < index) return [[index, `the address and port of host.members[${ofPlace}]; remove one of them`]];
        return ofName < index ? [[index, `the name of host.members[${ofName}]; give its own`]] : [];
    });
    const isNobody = members.every(({ away }) => away === true);
    return [
        ...both,
        ...twice.map(([index, what]) => mistake(`host.members[${index}]`, `it has ${what}.`)),
        ...(isNobody
            ? [mistake("host.members", "every machine is away, and there is none to deploy to; remove one away: true.")]
            : []),
    ];
}

/** One spelling for all forms of an address: small letters, no dot at its end, the short form of IPv6. */
function plainAddress(address: string): string {
    if (isIP(address) === 6) return new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname;
    return address.toLowerCase().replace(/\.$/, "");
}

/** Something that every instance of zot must share with the others (facts of zot 2.1.20). */
interface Shared {
    /** The setting that shares it; `zot.extraConfig` may do so instead. */
    setting: "storage.bucket" | "redis.address";
    path: string;
    isShared: (value: Json | undefined) => boolean;
    without: string;
    /** What to write in `zot.extraConfig`. */
    give: string;
}

const SHARED: readonly Shared[] = [
    {
        setting: "storage.bucket",
        path: "storage.storageDriver",
        isShared: (value) => isDriver(value, ["s3", "gcs", "azure"]),
        without: "each machine would keep its own images",
        give: '{"name": "s3", "rootdirectory": …, "region": …, "bucket": …}',
    },
    {
        setting: "redis.address",
        path: "storage.remoteCache",
        isShared: (value) => value === true,
        without: "each machine would keep its own record of blobs and keys",
        give: "true",
    },
    {
        setting: "redis.address",
        path: "storage.cacheDriver",
        isShared: (value) => isDriver(value, ["redis", "dynamodb"]),
        without: "a key made on one machine would be unknown on the others",
        give: '{"name": "redis", "url": "redis://HOST:6379", "keyprefix": "zot"}',
    },
    {
        setting: "redis.address",
        path: "http.auth.sessionDriver",
        isShared: (value) => isDriver(value, ["redis"]),
        without: "a login on one machine would be unknown on the others",
        give: '{"name": "redis", "url": "redis://HOST:6379", "keyprefix": "zotsession"}',
    },
];

/** The settings to name after "set". */
const TO_SET = { "storage.bucket": "storage.bucket and storage.region", "redis.address": "redis.address" };

/** Whether it names one of these stores. Redis needs an address; without one zot would use the machine itself. */
function isDriver(value: Json | undefined, names: readonly string[]): boolean {
    if (!isJsonMap(value) || !names.includes(String(value.name))) return false;
    return value.name !== "redis" || typeof value.url === "string" || value.addr !== undefined;
}

const isOwnMachine = (address: string) => isLoopback(plainAddress(address));

/** A redis on loopback is a different one on each machine, unless the machines are one. */
function onLoopback(settings: Settings): SettingMistake[] {
    if (membersOf(settings).every(({ settings: { host } }) => isOwnMachine(host.address))) return [];
    const { address } = settings.redis;
    const found =
        address !== undefined && isOwnPlace(address)
            ? [
                  mistake(
                      "redis.address",
                      `${shown(address)} means another redis on each machine; give the address of one redis that all of ` +
                          "them reach.",
                  ),
              ]
            : [];
    const inExtra = REDIS_PLACES.flatMap((path) => {
        const url = valueAt(settings.zot.extraConfig as JsonMap, [...path.split("."), "url"]);
        const host = typeof url === "string" ? urlOf(url)?.hostname : undefined;
        if (host === undefined || !isOwnMachine(host)) return [];
        return [
            mistake(
                "zot.extraConfig",
                `${path}.url names ${host}, which means another redis on each machine; give the address of one redis ` +
                    "that all of them reach.",
            ),
        ];
    });
    return [...found, ...inExtra];
}

function sharedState(settings: Settings): SettingMistake[] {
    const machines = settings.host.members.length;
    if (machines < 2) return [];
    const extra = settings.zot.extraConfig as JsonMap;
    const inExtra = ({ path }: Shared) => valueAt(extra, path.split("."));
    const why = ({ without }: Shared) => `while host.members names ${machines} machines: ${without}`;
    const missing = (["storage.bucket", "redis.address"] as const).flatMap((setting) => {
        if (settingOf(settings, setting) !== undefined) return [];
        const ofSetting = SHARED.filter((shared) => shared.setting === setting);
        const toSet = TO_SET[setting];
        if (ofSetting.every((shared) => inExtra(shared) === undefined))
            return [mistake(setting, `it is missing, ${why(ofSetting.at(-1)!)}; set ${toSet}.`)];
        return ofSetting
            .filter((shared) => !shared.isShared(inExtra(shared)))
            .map((shared) => {
                const what = inExtra(shared) === undefined ? "is missing" : "is not one that is shared";
                return mistake(
                    "zot.extraConfig",
                    `${shared.path} ${what}, ${why(shared)}; leave it out and set ${toSet}, or give ${shared.give}.`,
                );
            });
    });
    return [...missing, ...onLoopback(settings)];
}
