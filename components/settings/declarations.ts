/**
 * The table of every setting. It is the source of `Pulumi.yaml`, the messages, the types and the reference; of zot's
 * config and its comparison with another one; of what the host is told; and of what a change means to a review. Pure.
 *
 * Names are `group.setting`; on the command line: `pulumi config set --path zot.port 5050`.
 */
import { access } from "./declared/access";
import { ci, ciSecrets } from "./declared/ci";
import { host } from "./declared/host";
import { identity } from "./declared/identity";
import { cluster, redis, storage } from "./declared/storage";
import { registry, zot } from "./declared/zot";
import type { Setting } from "./setting";

export type { RepositoryRuleSetting } from "./declared/access";
export type { WorkloadSetting } from "./declared/ci";
export type { MemberSetting } from "./declared/host";
export type { MirrorSetting } from "./declared/zot";

/** The table. Pulumi.yaml, the reference and the messages have the same order. */
export const declarations = { registry, zot, storage, redis, cluster, access, identity, ci, ciSecrets, host };

export type Declarations = typeof declarations;
/** The part of a setting's name before the dot. */
export type GroupName = keyof Declarations;

/** The checked settings of a stack: `settings.zot.port` and so on. */
export type Settings = {
    [Group in GroupName]: {
        [Name in keyof Declarations[Group]]: Declarations[Group][Name] extends Setting<infer T> ? T : never;
    };
};

/** Every setting with its full name, in the table's order. */
export function allSettings(): { name: string; group: GroupName; key: string; setting: Setting<unknown> }[] {
    return Object.entries(declarations).flatMap(([group, members]) =>
        Object.entries(members).map(([key, setting]) => ({
            name: `${group}.${key}`,
            group: group as GroupName,
            key,
            setting: setting as Setting<unknown>,
        })),
    );
}

/** The value of a setting in a stack, by the setting's full name. */
export function settingOf(settings: Partial<Settings>, name: string): unknown {
    const [group, key] = name.split(".") as [GroupName, string];
    return (settings[group] as Record<string, unknown> | undefined)?.[key];
}
