/** What root is to allow on the host: the lines are tried on a real sudo and polkit by npm run hosts. */

import { spawnSync } from "node:child_process";
import { hostRights } from "../../components/hostRights";
import zotLogScript from "../../host/zotLog.sh";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { siteSettings } from "../support/settings";

const rightsOf = (host: Record<string, unknown>) => hostRights(siteSettings({ host }).settings);
const textOf = (host: Record<string, unknown>) =>
    rightsOf(host).map((right) => (right.kind === "command" ? right.command : right.text));

/** Characters that sudoers or its patterns give a meaning of their own. */
const STRANGE = "systemctl restart zot; true \"a b\" c,d e=f g:h #i \\j *?[k]! 'l'";

describe("rights on the host", () => {
    test("by sudo: each command with its arguments to the letter, and nothing else", () => {
        expect(textOf({ sudo: "service" })).toEqual([
            [
                "# Where sudoers has requiretty, which no login without a screen passes, take the # away:",
                "# Defaults:zot !requiretty",
                "zot ALL=(root) NOPASSWD: /usr/bin/systemctl restart zot",
                "zot ALL=(root) NOPASSWD: /usr/bin/systemctl stop zot",
                "zot ALL=(root) NOPASSWD: /usr/bin/systemctl reset-failed zot",
                "zot ALL=(root) NOPASSWD: /usr/bin/journalctl --no-pager --quiet --output short-unix --lines " +
                    "400 --unit zot",
                "",
            ].join("\n"),
        ]);
        expect(textOf({ sudo: "service", serviceManager: "command", restartCommand: STRANGE })[0]).toContain(
            "zot ALL=(root) NOPASSWD: /bin/sh -c systemctl restart zot; " +
                "true \"a b\" c\\,d e\\=f g\\:h \\#i \\\\\\\\j \\*\\?\\[k\\]\\! 'l'\n",
        );
        expect(
            textOf({ sudo: "service", serviceManager: "launchd-daemon", serviceName: "org.example.zot" })[0],
        ).toContain("zot ALL=(root) NOPASSWD: /bin/launchctl kickstart -k system/org.example.zot\n");
        expect(textOf({ sudo: "all", user: "deployer" })[0]).toContain("deployer ALL=(root) NOPASSWD: ALL\n");
    });

    test("a user's name of capitals is no alias", () => {
        expect(textOf({ sudo: "all", user: "ZOT" })[0]).toContain('\n"ZOT" ALL=(root) NOPASSWD: ALL\n');
    });

    test("by polkit: the orders about this unit alone, for this user", () => {
        for (const serviceName of ["zot", "zot.service"]) {
            const [rule, journal] = rightsOf({ serviceName });
            expect(rule).toMatchObject({ kind: "polkit", path: "/etc/polkit-1/rules.d/50-zot-hardening.rules" });
            expect(allowed((rule as { text: string }).text)).toEqual([
                "restart zot.service by zot",
                "stop zot.service by zot",
            ]);
            expect(journal).toEqual({
                kind: "command",
                why: "a failed deployment shows what zot has said",
                command: "usermod --append --groups systemd-journal zot",
            });
        }
        expect(rightsOf({ logFile: "/var/log/zot.log" })).toHaveLength(1);
    });

    test("a user's service wants lingering; root and an agent want nothing", () => {
        expect(textOf({ serviceManager: "systemd-user", user: "registry" })).toEqual([
            "loginctl enable-linger registry",
        ]);
        const restartCommand = "systemctl --user restart zot";
        expect(textOf({ serviceManager: "command", restartCommand, user: "registry" })).toEqual([
            "loginctl enable-linger registry",
        ]);
        expect(textOf({ user: "root" })).toEqual([]);
        expect(textOf({ serviceManager: "launchd-agent" })).toEqual([]);
        expect(textOf({ serviceManager: "command", restartCommand: "rc-service zot restart" })).toEqual([]);
    });

    const visudo = findExecutable("visudo");
    (visudo ? test.each : test.skip.each)(["service", "all"])(
        skippable("visudo takes the lines of host.sudo %s", visudo ? undefined : "visudo is not installed"),
        (sudo) => {
            for (const more of [
                {},
                { serviceManager: "command", restartCommand: STRANGE },
                { user: "ZOT" },
                { user: "a.b-c" },
            ]) {
                const [text] = textOf({ sudo, ...more });
                const { status, stdout, stderr } = spawnSync(visudo!, ["-c", "-s", "-f", "-"], {
                    input: text,
                    encoding: "utf8",
                });
                expect([status, stdout + stderr]).toEqual([0, expect.stringContaining("parsed OK")]);
            }
        },
    );
});

/** Which of some orders a rule of polkit lets pass. */
function allowed(rule: string): string[] {
    const rules: ((action: unknown, subject: unknown) => unknown)[] = [];
    new Function("polkit", rule)({
        addRule: (added: (typeof rules)[number]) => rules.push(added),
        Result: { YES: "yes" },
    });
    const orders = ["restart", "stop", "kill", "set-property"].flatMap((verb) =>
        ["zot.service", "ssh.service"].flatMap((unit) => ["zot", "other"].map((user) => ({ verb, unit, user }))),
    );
    return orders
        .filter(({ verb, unit, user }) =>
            rules.some(
                (each) =>
                    each(
                        {
                            id: "org.freedesktop.systemd1.manage-units",
                            lookup: (name: string) => ({ verb, unit })[name],
                        },
                        { user },
                    ) === "yes",
            ),
        )
        .map(({ verb, unit, user }) => `${verb} ${unit} by ${user}`);
}

test("what the deployment asks of the journal is what sudoers lets it ask", () => {
    const [text] = textOf({ sudo: "service" });
    const asked = /set -- (journalctl .*) "\$unit" "\$service"/.exec(zotLogScript)![1];
    expect(text).toContain(`/usr/bin/${asked} --unit zot\n`);
});
