/** What setup takes from this machine's known_hosts: OpenSSH's own ssh-keygen on files that people have. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { knownKeys } from "../../../cli/setup/host";
import { confirmedKey } from "../../../cli/setup/hostKey";
import { Interview } from "../../../cli/setup/interview";
import { generateKeyPair, startSshHost } from "../../../testbed/sshHost";

const keys = Array.from({ length: 3 }, () => generateKeyPair("ed25519", "").publicKey.split(" ").slice(0, 2).join(" "));
const [host, other, authority] = keys as [string, string, string];

const real = execFileSync("which", ["ssh-keygen"], { encoding: "utf8" }).trim();
const PATH = process.env.PATH;
let folder: string;
beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "known-"));
    // It goes by the password file's home, whatever HOME says.
    const script = `#!/bin/sh\nexec '${real}' "$@" -f '${folder}/known_hosts'\n`;
    fs.writeFileSync(path.join(folder, "ssh-keygen"), script, { mode: 0o755 });
    process.env.PATH = `${folder}:${PATH}`;
});
afterEach(() => {
    process.env.PATH = PATH;
    fs.rmSync(folder, { recursive: true, force: true });
});

async function known(lines: string[], hashed: boolean, address: string, port = 22) {
    const file = path.join(folder, "known_hosts");
    fs.writeFileSync(file, `${lines.join("\n")}\n`);
    if (hashed) execFileSync(real, ["-H", "-f", file], { stdio: "ignore" });
    return knownKeys(address, port);
}

describe.each([
    ["plain", false],
    ["hashed", true],
])("a known_hosts that is %s", (_name, hashed) => {
    test.each([
        ["a name in capital letters", "Registry.Example.ORG", 22, `registry.example.org ${host}`],
        ["a port of its own", "Registry.example.org", 2222, `[registry.example.org]:2222 ${host}`],
        ["an address of IPv6 in capital letters", "FD00::A", 22, `fd00::a ${host}`],
    ])("%s", async (_title, address, port, line) =>
        expect(await known([line, `elsewhere ${other}`], hashed, address, port)).toEqual({
            trusted: [host],
            revoked: [],
        }),
    );

    test("a key that is revoked is told apart, and that of an authority is no host's", async () => {
        const lines = [`@cert-authority registry ${authority}`, `@revoked registry ${other}`, `registry ${host}`];
        expect(await known(lines, hashed, "registry")).toEqual({ trusted: [host], revoked: [other] });
    });
});

test("a host that is not in it", async () => {
    expect(await known([`registry ${host}`], false, "other")).toEqual({ trusted: [], revoked: [] });
});

test("a host that shows a revoked key is refused, and nobody is asked", async () => {
    const ssh = await startSshHost({ kind: "embedded" });
    const nobody = new Interview({} as Interview["asker"], {});
    try {
        await known([`@revoked [127.0.0.1]:${ssh.port} ${ssh.hostPublicKey}`], false, "127.0.0.1", ssh.port);
        const keyed = { address: "127.0.0.1", port: ssh.port, pinned: undefined, question: "hostKey" } as const;
        await expect(confirmedKey(nobody, keyed)).rejects.toThrow(/has as revoked: SHA256:/);
    } finally {
        await ssh.stop();
    }
});
