/** npm run review on commits of a scratch repository: what is said of rights, settings and mistakes. */
import * as fs from "node:fs";
import { base, commit, edit, file, git, repositoryForAll, review, temporary } from "./repository";
import { stackFile } from "./stackFile";

repositoryForAll();

const CI = "CI (group `artifact-workloads`)";

test("a change that widens CI's rights is in the first three lines, and may end in an exit code", () => {
    fs.writeFileSync(
        file("Pulumi.site.yaml"),
        stackFile({ access: { ciRepositories: ["team/**", "tools/**"], rules: { "team/base/**": { ci: ["read"] } } } }),
    );
    const { status, lines, stdout, stderr } = review("--base", "main", "--fail-on-widening");
    expect([status, stderr]).toEqual([4, ""]);
    expect(lines.slice(0, 3)).toEqual([
        `# Rights widen: ${CI}`,
        `- **WIDER** \`site\`: ${CI} gains create on \`tools/**\``,
        `- narrower \`site\`: ${CI} loses create on \`team/base/**\``,
    ]);
    expect(stdout).toContain('| `access.ciRepositories` | `["team/**"]` | `["team/**","tools/**"]` |');
    expect(stdout).toContain("| `tools/**` | group artifact-workloads | yes | yes | – | – |");
    expect(stdout).toContain('+        "tools/**": {');
    expect(stdout).not.toContain("the code changes");
});

test("two commits as JSON; what the base did since is no change of the head", () => {
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ access: { ciRepositories: ["team/app/**"] } }));
    git("checkout", "--quiet", "-b", "head");
    const head = commit();
    git("checkout", "--quiet", "main");
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ access: { adminsMayUpdate: true } }));
    commit();
    const { status, stdout } = review("--base", "main", "--head", "head", "--json", "--fail-on-widening");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
        widens: false,
        head: `head (${head.slice(0, 12)})`,
        notes: ["The head lacks 1 commit of `main`; it is compared with the commit where it parted."],
        stacks: [
            {
                stack: "site",
                status: "changed",
                rights: [{ effect: "narrower", words: `${CI} loses create on \`team/**\`, except \`team/app/**\`` }],
            },
        ],
    });
    git("branch", "--quiet", "-D", "head");
});

test("a change of the code that makes the policy is seen like one of a setting", () => {
    edit("components/accessTiers.ts", (text) =>
        text.replace(
            'for (const pattern of caches) add(rule(pattern, ["read"]));',
            'for (const pattern of caches) add(rule(pattern, ["read", "create"]));',
        ),
    );
    edit("components/zotConfig/lint.ts", (text) => text.replace("access.ciMayPushToMirrors ? []", "true ? []"));
    const head = commit();
    const { status, lines, stdout } = review("--base", base, "--head", head);
    expect(status).toBe(0);
    expect(lines[1]).toBe(`- **WIDER** \`site\`: ${CI} gains create on \`ghcr.io/**\``);
    expect(lines[2]).toBe("- **READ THIS** the code changes in 2 files, and may do more than is visible here");
    expect(stdout).toContain("- `components/accessTiers.ts`");

    const { stdout: data } = review("--base", base, "--head", head, "--data-only");
    expect(data).toMatch(/^# Rights may widen: code changes\n/);
    expect(data).toContain("**No code of the head was run**");
});

test("secrets are not shown, whether they are encrypted or not", () => {
    fs.writeFileSync(
        file("Pulumi.site.yaml"),
        stackFile({ host: { password: { secure: "canary-cipher" }, privateKeyPassphrase: "canary-plain" } }).replace(
            "config:",
            "config:\n  authentik:token: canary-token\n  other:deployKey: {secure: canary-other}",
        ),
    );
    const { status, stdout, stderr } = review("--base", "main", "--json");
    // Plain secrets are a mistake in the settings.
    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain("canary");
    expect((JSON.parse(stdout) as { stacks: { settings: unknown[] }[] }).stacks[0]!.settings).toEqual(
        ["authentik:token", "host.password", "host.privateKeyPassphrase", "other:deployKey"].map((name) => ({
            name,
            after: "[secret]",
        })),
    );
});

test("a base that cannot render its stacks, a new stack and one that is gone", () => {
    fs.rmSync(file("cli/config.ts"));
    git("rm", "--quiet", "--cached", "cli/config.ts");
    fs.writeFileSync(file("Pulumi.old.yaml"), stackFile());
    const early = commit();
    git("checkout", "--quiet", base, "--", "cli/config.ts");
    fs.renameSync(file("Pulumi.old.yaml"), file("Pulumi.new.yaml"));
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ zot: { metrics: "anonymous", address: "0.0.0.0" } }));
    const { status, lines, stdout } = review("--base", early, "--fail-on-widening");
    expect(status).toBe(4);
    expect(lines[0]).toBe(
        "# Rights widen: anyone without a login gains reading the metrics, " +
            'zot listens on "0.0.0.0" instead of "127.0.0.1"',
    );
    expect(stdout).toContain("- **WIDER** `site`: anyone without a login gains reading the metrics");
    expect(stdout).toContain("- **READ THIS** `new`: the stack is new: read all of its rights");
    expect(stdout).toContain("- **READ THIS** `old`: the stack's file is gone");
    expect(stdout).toContain("The base has no command that renders its stacks");
});

test("a mistake in the head's settings is told, with exit code 1", () => {
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ zot: { port: "```many" } }));
    const { status, stdout } = review("--base", "main");
    expect(status).toBe(1);
    expect(stdout).toMatch(
        /^# Rights may widen: to be read\n- \*\*READ THIS\*\* `site`: the head has no config to compare, see below\n/,
    );
    expect(stdout).toMatch(
        /The head has no config:\n\n````\nThere is a mistake in the settings of Pulumi\.site\.yaml:\n {2}- zot\.port/,
    );
});

test("what is missing is named", () => {
    expect(review("--base", "origin/main")).toMatchObject({
        status: 1,
        stderr:
            'There is no commit "origin/main" here. ' +
            "A branch of the forge has to be fetched first: git fetch origin main\n",
    });
    expect(review("--base", "main", "--stack", "nowhere")).toMatchObject({
        status: 1,
        stderr: "No side has a file Pulumi.nowhere.yaml. Stacks with a file: site.\n",
    });
    expect(review()).toMatchObject({ status: 2 });
});

test("nothing is left behind", () => {
    expect(review("--base", "main").status).toBe(0);
    expect(fs.readdirSync(temporary)).toEqual([]);
    expect(git("status", "--porcelain")).toBe("");
});
