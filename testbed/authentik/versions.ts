import type { ObjectKind, World } from "./objects/kind";

interface Came {
    /** The first version that has it. A release candidate counts as before its release. */
    readonly version: string;
    /** Members of answers. */
    readonly answered?: readonly string[];
    /** Members that may be written. */
    readonly written?: readonly string[];
}

/**
 * Members that are newer than the oldest version that the stand-in can be, by the kind's path: from the documents of
 * @goauthentik/api
 * 2025.10.4, 2025.12.6, 2026.2.0, 2026.5.6 and 2026.8.3; what 2025.10.0-rc1 lacks was measured on one.
 */
const CAME: Readonly<Record<string, readonly Came[]>> = {
    "core/groups": [
        { version: "2025.12.0", answered: ["parents", "parents_obj", "inherited_roles_obj"], written: ["parents"] },
    ],
    "core/users": [{ version: "2025.12.0", answered: ["roles", "roles_obj"], written: ["roles"] }],
    "core/applications": [
        { version: "2025.12.0", answered: ["meta_icon_url"], written: ["meta_icon"] },
        { version: "2026.5.0", answered: ["meta_hide"], written: ["meta_hide"] },
        { version: "2026.8.0", answered: ["pbm_uuid"] },
    ],
    "core/users/me": [{ version: "2026.8.0", answered: ["is_current", "users"] }],
    "policies/bindings": [{ version: "2026.8.0", answered: ["expires", "expiring"] }],
    "providers/oauth2": [
        {
            version: "2025.10.0",
            answered: ["logout_method", "refresh_token_threshold"],
            written: ["logout_method", "refresh_token_threshold"],
        },
        { version: "2026.5.0", answered: ["grant_types"], written: ["grant_types"] },
    ],
    "flows/instances": [
        { version: "2025.12.0", answered: ["background_url", "background_themed_urls"], written: ["background"] },
    ],
    "stages/identification": [{ version: "2025.12.0", answered: ["webauthn_stage"], written: ["webauthn_stage"] }],
};

/** Members of schema.yml that the version which the stand-in is does not know. */
export function unknownMembers(
    { path }: Pick<ObjectKind, "path">,
    world: Pick<World, "version">,
    side: "answered" | "written",
): string[] {
    return (CAME[path] ?? [])
        .filter(({ version }) => isOlder(world.version, version))
        .flatMap((came) => [...(came[side] ?? [])]);
}

/** Whether answers of any kind got this member only after the version that the stand-in is. */
export function isNewer(world: Pick<World, "version">, member: string): boolean {
    return Object.keys(CAME).some((path) => unknownMembers({ path }, world, "answered").includes(member));
}

/** Whether a version is older than another one; a release candidate is older than its release. */
export function isOlder(version: string, than: string): boolean {
    const numbers = (text: string) => text.split("-")[0]!.split(".").map(Number);
    const [have, want] = [numbers(version), numbers(than)];
    const place = want.findIndex((number, index) => (have[index] ?? 0) !== number);
    return place < 0 ? /rc/.test(version) : (have[place] ?? 0) < want[place]!;
}
