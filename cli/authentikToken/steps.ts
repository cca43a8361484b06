/**
 * The steps for an administrator who prefers to do it by hand: as API calls, and in Authentik's web interface. Pure.
 */
import { accountOf, everywhere, onServiceAccount, type TokenTask, tokenOf } from "./task";

/** A text for a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * A script for a POSIX shell with curl and jq. It reads the administrator's token from the environment, passes it to
 * curl on standard input, and prints the new token on standard output.
 */
export function apiSteps(task: TokenTask, url: string): string {
    const { name, ciUsers } = task;
    const account = onServiceAccount(task);
    const token = JSON.stringify(tokenOf(task, 0)).replace('"user":0', '"user":\'"$user"\'');
    return [
        "set -eu",
        ': "${AUTHENTIK_ADMIN_TOKEN:?an API token of a superuser, in the environment}"',
        `authentik=${quoted(`${url}/api/v3`)}`,
        "ask() { # METHOD PATH [BODY]",
        `    printf 'header = "Authorization: Bearer %s"\\n' "$AUTHENTIK_ADMIN_TOKEN" |`,
        `        curl -q --config - --silent --show-error --fail --request "$1" --header 'Content-Type: ` +
            `application/json' \${3:+--data "$3"} "$authentik$2"`,
        "}",
        "",
        "# The role, and what it may do.",
        `role=$(ask POST /rbac/roles/ ${quoted(JSON.stringify({ name }))} | jq --exit-status --raw-output .pk)`,
        `ask POST "/rbac/permissions/assigned_by_roles/$role/assign/" ` +
            `${quoted(JSON.stringify({ permissions: everywhere(task) }))} >/dev/null`,
        ...(account.length === 0 ? [] : ciUsers).flatMap((ciUser) => [
            "",
            `# What it may do to the service account ${ciUser}, and to no other user.`,
            `ci=$(ask GET ${quoted(`/core/users/?username=${encodeURIComponent(ciUser)}`)} | jq ` +
                "--exit-status --raw-output " +
                `${quoted(`.results[] | select(.username == ${JSON.stringify(ciUser)}) | .pk`)})`,
            `ask POST "/rbac/permissions/assigned_by_roles/$role/assign/" ` +
                `'{"permissions":${JSON.stringify(account)},"model":"authentik_core.user","object_pk":"'"$ci"'"}' >/dev/null`,
        ]),
        "",
        "# The account that holds the role.",
        `user=$(ask POST /core/users/ ${quoted(JSON.stringify(accountOf(task)))} | jq --exit-status --raw-output .pk)`,
        `ask POST "/rbac/roles/$role/add_user/" '{"pk":'"$user"'}' >/dev/null`,
        "",
        "# Its token. Only a superuser can make one for another user: for anyone else it would silently be their own.",
        `owner=$(ask POST /core/tokens/ '${token}' | jq --exit-status --raw-output .user)`,
        `if [ "$owner" != "$user" ]; then ask DELETE ${quoted(`/core/tokens/${name}/`)}; ` +
            `echo 'AUTHENTIK_ADMIN_TOKEN is not a superuser'\\''s: ` +
            "the token made was yours, and is deleted.' >&2; exit 1; fi",
        `ask GET ${quoted(`/core/tokens/${name}/view_key/`)} | jq --exit-status --join-output .key`,
        "",
    ].join("\n");
}

/** The steps in the web interface of Authentik 2025.12 and newer. */
export function userInterfaceSteps(task: TokenTask, url: string): string {
    const { name, ciUsers } = task;
    const account = onServiceAccount(task);
    const list = (permissions: readonly string[]) => permissions.map((permission) => `       ${permission}`).join("\n");
    const steps = [
        `Open ${url}/if/admin/ as an administrator.`,
        `Directory > Roles: create the role ${name}.`,
        `On the role's page, Permissions > Assigned global permissions > Assign permission:\n${list(everywhere(task))}`,
        ...(account.length === 0 ? [] : ciUsers).map(
            (ciUser) =>
                `Directory > Users > ${ciUser} > Permissions > Permissions on this object: ` +
                `assign to the role ${name}, and to nobody else:\n${list(account)}`,
        ),
        `Directory > Users: create the service account ${name}. ` +
            `On its page, Roles > Assigned Roles > Add to existing role: ${name}.`,
        `Directory > Tokens and App passwords: create the token ${name}, user ${name}, intent API Token, ` +
            "Expiring off. Copy its key from the list.",
    ];
    return steps.map((step, index) => `  ${index + 1}. ${step}`).join("\n");
}
