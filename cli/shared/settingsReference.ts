/** What Pulumi.yaml and the settings reference say of the settings, from their one table. Pure. */
import { allSettings } from "../../components/settings";

/**
 * The `config` section of Pulumi.yaml. Types are left out: the CLI would stop at the first wrong one, with fewer words.
 */
export function projectConfig(): Record<string, unknown> {
    return Object.fromEntries(
        allSettings().map(({ name, setting }) => [
            name,
            {
                description: setting.description,
                // Empty is "not set": without a default the CLI itself would stop, and could not name the command that
                // sets it.
                default: setting.default ?? "",
                ...(setting.secret ? { secret: true } : {}),
            },
        ]),
    );
}

/** docs/settings.md. */
export function settingsMarkdown(): string {
    const rows = allSettings().map(({ name, setting }) => {
        const fallback =
            setting.default !== undefined
                ? `\`${JSON.stringify(setting.default)}\``
                : setting.optional
                  ? "none"
                  : "**required**";
        const allowed = setting.allowed.replaceAll("|", "\\|").replace(/\*\*/g, "\\*\\*");
        return (
            `| \`${name}\`${setting.secret ? " (secret)" : ""} | ` +
            `${setting.description.replaceAll("|", "\\|")} | ${allowed} | ${fallback} |`
        );
    });
    return [
        "# Settings",
        "",
        "Set one with `pulumi config set --path NAME VALUE`, a secret with `--secret` and the value on standard input.",
        "This page is written by `npm run settings` from `components/settings/declared/`.",
        "",
        "| setting | meaning | allowed | default |",
        "|---|---|---|---|",
        ...rows,
        "",
        "Authentik itself is configured as its provider: " +
            "`authentik:url`, `authentik:token` (secret), `authentik:insecure`,",
        "`authentik:headers` (secret), or `AUTHENTIK_URL`, " +
            "`AUTHENTIK_TOKEN` and `AUTHENTIK_INSECURE` in the environment.",
        "",
    ].join("\n");
}
