/** A host's key as a site sets it: from what `ssh-keyscan` prints, in the forms that its versions print. */
import { spawnSync } from "node:child_process";
import { declaredState } from "../../../components/declaredState";
import { hostKeyMistake, hostKeyOfScan, scanCommand } from "../../../components/settings/hostKeys";
import { HOST_KEY, rawSettings } from "../../support/settings";

const field = (content: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, content.length]), content]);
const key = (type: string, ...fields: string[]) =>
    `${type} ${Buffer.concat([type, ...fields].map((text) => field(Buffer.from(text)))).toString("base64")}`;
const ED25519 = HOST_KEY;
const OTHER = key("ssh-ed25519", "another-key-than-the-first-one!!");
const ECDSA = key("ecdsa-sha2-nistp256", "nistp256", "p".repeat(65));
const RSA = key("ssh-rsa", "e", "n".repeat(120));
const COMMENT = "# 192.0.2.10:22 SSH-2.0-OpenSSH_10.0p2 Debian-7";

describe("what ssh-keyscan prints", () => {
    test.each([
        ["OpenSSH 9.7 and older, whose comments go elsewhere", [`192.0.2.10 ${ED25519}`], `192.0.2.10 ${ED25519}`],
        ["OpenSSH 9.8 and newer, one type", [COMMENT, `192.0.2.10 ${ED25519}`], `192.0.2.10 ${ED25519}`],
        ["a comment behind the key", [`192.0.2.10 ${ED25519}`, COMMENT, ""], `192.0.2.10 ${ED25519}`],
        ["Windows' line ends", [`${COMMENT}\r`, `192.0.2.10 ${ED25519}\r`], `192.0.2.10 ${ED25519}`],
        [
            "another port",
            ["# 192.0.2.10:2222 SSH-2.0-OpenSSH_9.9", `[192.0.2.10]:2222 ${ED25519}`],
            `[192.0.2.10]:2222 ${ED25519}`,
        ],
        ["a hashed name", [COMMENT, `|1|c2FsdA==|aGFzaA== ${ED25519}`], `|1|c2FsdA==|aGFzaA== ${ED25519}`],
        ["every type", [COMMENT, `h ${RSA}`, COMMENT, `h ${ECDSA}`, COMMENT, `h ${ED25519}`], `h ${ED25519}`],
        ["a host without an ed25519 key", [COMMENT, `h ${RSA}`, COMMENT, `h ${ECDSA}`], `h ${ECDSA}`],
        ["one host by two names", [`h ${ED25519}`, `192.0.2.10 ${ED25519}`], `h ${ED25519}`],
        ["a key alone, with a comment of its own", [`${ED25519} root@registry`], `${ED25519} root@registry`],
    ])("%s", (_name, lines, expected) => {
        for (const text of [lines.join("\n"), `${lines.join("\n")}\n`, `\n\n${lines.join("\n")}`]) {
            expect(hostKeyOfScan(text)).toBe(expected);
            expect(hostKeyMistake(hostKeyOfScan(text))).toBeUndefined();
        }
    });

    test.each([
        [
            "comments alone",
            [COMMENT, COMMENT],
            /^it holds no key, and a scan that finds nothing prints nothing: look at the address, at the port \(ssh-keyscan -p PORT\)/,
        ],
        ["an RSA key alone", [COMMENT, `h ${RSA}`], /^it is an RSA key/],
        [
            "keys of two hosts",
            [`one ${ED25519}`, `two ${OTHER}`],
            /^it has more than one line, and they are not the keys of one host/,
        ],
        ["a revoked key among others", [`@revoked h ${ECDSA}`, `h ${ED25519}`], /^it has more than one line/],
        ["a fingerprint", ["SHA256:abc"], /^it is a fingerprint/],
        [
            "the name of a file",
            ["/etc/ssh/ssh_host_ed25519_key.pub"],
            /^it is the name of a file, not the line in the file/,
        ],
        ["a private key", ["-----BEGIN OPENSSH PRIVATE KEY-----", "x"], /^it is a private key or a certificate/],
        ["a key cut short", [COMMENT, `h ${ED25519.slice(0, -8)}`], /^the key in it is incomplete or damaged/],
    ])("%s is refused", (_name, lines, why) => {
        expect(hostKeyMistake(hostKeyOfScan(lines.join("\n")))).toMatch(why);
    });
});

test("both settings take it, and the program sees the one line to pin", () => {
    const printed = `${COMMENT}\nh ${RSA}\nh ${ED25519}\n`;
    const { settings } = declaredState(
        rawSettings({ host: { hostKey: printed, jumpAddress: "jump.example.org", jumpHostKey: printed } }),
    );
    expect(settings.host).toMatchObject({ hostKey: `h ${ED25519}`, jumpHostKey: `h ${ED25519}` });
});

describe("the command", () => {
    const host = { address: "registry.example.org" };
    test.each([
        ["an ordinary port", { ...host, port: 22 }, '"$(ssh-keyscan -t ed25519 registry.example.org)"'],
        ["another port", { ...host, port: 2222 }, '"$(ssh-keyscan -p 2222 -t ed25519 registry.example.org)"'],
        [
            "a port from the command line, which is a text",
            { ...host, port: "2222" },
            '"$(ssh-keyscan -p 2222 -t ed25519 registry.example.org)"',
        ],
        ["IPv6", { address: "2001:db8::1" }, '"$(ssh-keyscan -t ed25519 2001:db8::1)"'],
        [
            "a jump host, which alone reaches the host",
            { ...host, port: 2222, jumpAddress: "jump.example.org", jumpPort: 2200, user: "zot" },
            '"$(ssh -p 2200 zot@jump.example.org ssh-keyscan -p 2222 -t ed25519 registry.example.org)"',
        ],
        ["nothing known yet", {}, '"$(ssh-keyscan -t ed25519 HOST)"'],
        ["what is not fit for a shell", { address: "x; reboot", port: "$(id)" }, '"$(ssh-keyscan -t ed25519 HOST)"'],
    ])("has what is known of the host: %s", (_name, given, expected) => {
        expect(scanCommand(given)).toBe(expected);
        expect(spawnSync("sh", ["-n", "-c", `x ${expected}`]).status).toBe(0);
    });

    test("stands in the message, with what an empty key means", () => {
        const refused = (hostChanges: Record<string, unknown>) => {
            try {
                declaredState(rawSettings({ host: hostChanges }));
                return "";
            } catch (error) {
                return (error as Error).message;
            }
        };
        for (const empty of ["", undefined]) {
            const message = refused({ hostKey: empty, address: "registry.example.org", port: 2222 });
            expect(message).toContain(
                'pulumi config set --path host.hostKey "$(ssh-keyscan -p 2222 -t ed25519 ' +
                    'registry.example.org)". If it was set by that command, ' +
                    "a scan that finds nothing prints nothing: look at the address",
            );
        }
        expect(refused({ hostKey: COMMENT })).toContain(
            "is not allowed because it holds no key, and a scan that finds nothing prints nothing",
        );
        const jump = refused({ jumpAddress: "jump.example.org", jumpPort: 2200, jumpHostKey: "" });
        expect(jump).toContain(
            'pulumi config set --path host.jumpHostKey "$(ssh-keyscan -p 2200 -t ed25519 jump.example.org)". ' +
                "If it was set by that command, a scan",
        );
    });
});
