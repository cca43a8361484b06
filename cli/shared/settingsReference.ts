/** Generates the parts about settings of Pulumi.yaml and the settings reference, from the one table. Pure. */
import { allSettings } from "../../components/settings";

/**
 * The `config` section of Pulumi.yaml. It omits types: the CLI would stop at the first wrong one, with a shorter
 * message.
 */
export function projectConfig(): Record<string, unknown> {
    return Object.fromEntries(
        allSettings().map(({ name, setting }) => [
            name,
            {
                description: setting.description,
                // Empty means "not set": without a default the CLI itself would stop, and could not name the command
                // that sets it.
                default: setting.default ?? "",
                ...(setting.secret ? { secret: true } : {}),
            },
        ]),
    );
}

/** What `pulumi new PATH` asks for: without these there is no preview. */
const ASKED = [
    "registry.url",
    "zot.binary",
    "zot.configFile",
    "zot.rootDirectory",
    "identity.issuer",
    "host.address",
    "host.user",
    "host.hostKey",
];

/** The `template` section of Pulumi.yaml. */
export function projectTemplate(): Record<string, unknown> {
    const known = new Map(allSettings().map(({ name, setting }) => [name, setting]));
    return {
        displayName: "Harden a zot registry",
        description: "A zot registry that anyone may pull from, CI may add tags to and admins may delete from",
        quickstart: "Who will be able to do what: npm run --silent matrix -- --stack NAME. Then: pulumi preview",
        config: {
            "authentik:url": { description: "Address of Authentik, such as https://authentik.example.org" },
            "authentik:token": {
                description: "API token of Authentik; npm run authentik-token makes one",
                secret: true,
            },
            ...Object.fromEntries(ASKED.map((name) => [name, { description: known.get(name)!.description }])),
        },
    };
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
        const allowed = setting.allowed.replaceAll("|", "\\|").replace(/\*\*|</g, (text) => text.replace(/./g, "\\$&"));
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
