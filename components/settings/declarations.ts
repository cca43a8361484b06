/**
 * Every setting: the table that `Pulumi.yaml`, the messages, the types and the reference come from; zot's config and
 * its comparison with another one; what the host is told; and what a change means to a review. Pure.
 *
 * Names are `group.setting`; on the command line `pulumi config set --path zot.port 5050`.
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

/** The table. Its order is that of Pulumi.yaml, the reference and the messages. */
export const declarations = { registry, zot, storage, redis, cluster, access, identity, ci, ciSecrets, host };

export type Declarations = typeof declarations;
/** What stands before the dot in a setting's name. */
export type GroupName = keyof Declarations;

/** The settings of a stack, checked: `settings.zot.port` and so on. */
export type Settings = {
    [Group in GroupName]: {
        [Name in keyof Declarations[Group]]: Declarations[Group][Name] extends Setting<infer T> ? T : never;
    };
};

/** Every setting with its full name, in the order of the table. */
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

/** What a stack has of a setting, by its full name. */
export function settingOf(settings: Partial<Settings>, name: string): unknown {
    const [group, key] = name.split(".") as [GroupName, string];
    return (settings[group] as Record<string, unknown> | undefined)?.[key];
}
