/** What a person can try while the demo runs: logins, lines to paste, and a file that sets up a shell for it. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputMap } from "@pulumi/pulumi/automation";
import { findExecutable, toolchainEnvironment } from "../bootstrap/toolchain.cjs";
import type { Site } from "../site";
import { type ScratchStack, STACK } from "../site/scratchStack";
import { REPOSITORY } from "./tiers";

/** The prepared things, as text for the screen. */
export interface Desk {
    lines: string[];
}

/** Gives the site's users passwords, writes the file for the shell, and says what a person can try. */
export async function setUpDesk(
    site: Site,
    scratch: ScratchStack,
    outputs: OutputMap,
    checkout: string,
    readsPage: boolean,
): Promise<Desk> {
    const { adminUser, plainUser } = site.authentik;
    const passwords = { [adminUser]: "", [plainUser]: "" };
    for (const user of Object.keys(passwords)) {
        passwords[user] = randomBytes(9).toString("base64url");
        await site.authentik.setPassword(user, passwords[user]);
    }
    const ci = { user: String(outputs.ciUserName?.value), key: String(outputs.ciApiKey?.value) };
    const file = writeDeskFile(site, scratch, ci, checkout);
    const login = (user: string, what: string, more = "") =>
        `  ${what.padEnd(12)} ${user}   password ${passwords[user]}${more}`;
    return {
        lines: [
            `  ${"registry".padEnd(12)} ${site.registryUrl}${readsPage ? "   in a browser: who is logged in, and a button for an API key" : ""}`,
            `  ${"Authentik".padEnd(12)} ${site.authentik.url}`,
            login(adminUser, "an admin"),
            login(plainUser, "a user", "   in no group: Authentik turns it away"),
            `  ${"CI".padEnd(12)} ${ci.user}   API key  ${ci.key}`,
            `  ${"settings".padEnd(12)} ${scratch.folder}/Pulumi.${STACK}.yaml`,
            "",
            "In another terminal, this makes the demo's stack yours:",
            "",
            `  . ${file}`,
            "",
            "There, to push as CI a new tag (it is taken), and the same once more (it is refused):",
            "",
            ...pushLines().map((line) => `  ${line}`),
            "",
            "Who may do what, what would change, and a look from outside:",
            "",
            `  npm run --silent matrix -- --stack ${STACK}`,
            ...(scratch.toolchain.pulumi.languageHost ? [`  pulumi preview --stack ${STACK}`] : []),
            `  npm run --silent verify -- --stack ${STACK}`,
            "",
            "To change the policy, so that admins may overwrite tags; or edit the file of the settings:",
            "",
            `  pulumi config set --stack ${STACK} --path access.adminsMayUpdate true`,
        ],
    };
}

/** How CI pushes the existing image under a new tag, with the tools of this machine. */
function pushLines(): string[] {
    const image = (tag: string) => `$REGISTRY/${REPOSITORY}:${tag}`;
    if (findExecutable("skopeo"))
        return [
            `skopeo copy --src-tls-verify=false --dest-tls-verify=false --dest-creds "$CI_USER:$CI_KEY" \\`,
            `    docker://${image("v1.0.0")} docker://${image("v2.0.0")}`,
        ];
    const type = "application/vnd.oci.image.manifest.v1+json";
    const manifest = (tag: string) => `http://$REGISTRY/v2/${REPOSITORY}/manifests/${tag}`;
    return [
        `curl -s -H 'Accept: ${type}' ${manifest("v1.0.0")} |`,
        `    curl -s -w '%{http_code}\\n' -u "$CI_USER:$CI_KEY" -X PUT -H 'Content-Type: ${type}' --data-binary @- \\`,
        `    ${manifest("v2.0.0")}`,
    ];
}

/** A file for a shell: the stack's folder, state and passphrase, and the parts that the demo runs with. */
function writeDeskFile(site: Site, scratch: ScratchStack, ci: { user: string; key: string }, checkout: string): string {
    const file = join(site.folder, "demo.sh");
    const { PATH } = toolchainEnvironment(scratch.toolchain);
    const variables: Record<string, string> = {
        ...scratch.environment,
        PATH: PATH ?? "",
        REGISTRY: new URL(site.registryUrl).host,
        CI_USER: ci.user,
        CI_KEY: ci.key,
    };
    // A person's terminal has colours.
    delete variables.NO_COLOR;
    const text = [
        "# The demo's stack for a shell; it goes when the demo ends.",
        ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
        `cd ${quoted(scratch.folder)}`,
        "",
    ].join("\n");
    writeFileSync(file, text, { mode: 0o600 });
    putCommandsInto(scratch.folder, checkout);
    return file;
}

/** The checkout's commands, for a folder that contains only the project's file. */
function putCommandsInto(folder: string, checkout: string): void {
    const { name, type, scripts } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as {
        name: string;
        type?: string;
        scripts: Record<string, string>;
    };
    const there = Object.entries(scripts).filter(([, script]) => script.startsWith("node build/run.cjs cli/"));
    const absolute = there.map(([command, script]) => [
        command,
        script.replace("node build/run.cjs", `node ${quoted(join(checkout, "build/run.cjs"))}`),
    ]);
    writeFileSync(
        join(folder, "package.json"),
        `${JSON.stringify({ name, type, private: true, scripts: Object.fromEntries(absolute) }, null, 2)}\n`,
    );
    // When Pulumi's language host starts the program, it finds it through the project's packages.
    if (!existsSync(join(folder, "node_modules")))
        symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"), "dir");
}

/** A text quoted for a POSIX shell, whatever it contains. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
