/**
 * What the program is compared with: the same registry's config kept by Ansible, as the site of the source document had
 * it; on the same SSH host, with a zot of its own. It knows nothing of Authentik.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Site } from "../site";
import { otherZot } from "./otherZot";
import { finish } from "./preview";

export interface AnsibleSite {
    version: string;
    /** Runs the playbook; with a right that is another one than before, where that is wanted. In seconds. */
    play(options: { pipelining: boolean; changesRight: boolean }): Promise<number>;
    /** Leaves nothing of its config, so that the next run is the first one. */
    reset(): void;
    stop(): void;
}

/** The version of the Ansible that is here; undefined if there is none. */
export function ansibleVersion(): string | undefined {
    try {
        const said = execFileSync("ansible-playbook", ["--version"], { encoding: "utf8", stdio: "pipe" });
        return /core ([\d.]+)/.exec(said)?.[1] ?? "of an unknown version";
    } catch {
        return undefined;
    }
}

const owned = (path: string, mode: string) => ({ dest: path, mode });

/** Seven tasks: what a role for one program with a config and two secret files commonly has. */
const playbook = (folder: string, binary: string, restart: string, url: string) => [
    {
        hosts: "registry",
        gather_facts: false,
        tasks: [
            { name: "folder", "ansible.builtin.file": { path: folder, state: "directory", mode: "0755" } },
            {
                name: "client secret",
                "ansible.builtin.copy": { content: "{{ credentials }}", ...owned(`${folder}/oidc.json`, "0600") },
                no_log: true,
                notify: "restart",
            },
            {
                name: "session keys",
                "ansible.builtin.copy": { content: "{{ session_keys }}", ...owned(`${folder}/keys.json`, "0600") },
                no_log: true,
                notify: "restart",
            },
            {
                name: "config",
                "ansible.builtin.copy": {
                    content: "{{ config }}",
                    ...owned(`${folder}/config.json`, "0644"),
                    validate: `${binary} verify %s`,
                },
                notify: "restart",
            },
            {
                name: "version",
                "ansible.builtin.command": { argv: [binary, "--version"] },
                changed_when: false,
            },
            { name: "restart now", "ansible.builtin.meta": "flush_handlers" },
            {
                name: "ready",
                "ansible.builtin.uri": { url: `${url}/readyz` },
                register: "answer",
                until: "answer.status == 200",
                retries: 40,
                delay: 0.1,
            },
        ],
        handlers: [{ name: "restart", "ansible.builtin.command": { argv: [restart] } }],
    },
];

/** @param binary of zot */
export async function startAnsibleSite(site: Site, binary: string, version: string): Promise<AnsibleSite> {
    const zot = await otherZot(site, "ansible", binary);
    const { folder, configFolder, login } = zot;
    const { ssh } = site;
    const write = (name: string, text: string, mode: number) => {
        writeFileSync(join(folder, name), text, { mode });
        return join(folder, name);
    };
    const inventory = write(
        "inventory.yml",
        stringify({
            registry: {
                hosts: {
                    here: {
                        ansible_host: ssh.host,
                        ansible_port: ssh.port,
                        ansible_user: ssh.user,
                        ansible_ssh_private_key_file: login.key,
                        ansible_ssh_extra_args: `-o UserKnownHostsFile=${login.knownHosts} -o StrictHostKeyChecking=yes`,
                    },
                },
            },
        }),
        0o644,
    );
    const book = write("playbook.yml", stringify(playbook(configFolder, binary, zot.restartCommand, zot.url)), 0o644);
    const play: AnsibleSite["play"] = async ({ pipelining, changesRight }) => {
        const { credentials, sessionKeys, config } = zot.files({ changesRight });
        const variables = write(
            "variables.json",
            JSON.stringify({ credentials, session_keys: sessionKeys, config }),
            0o600,
        );
        const { seconds } = await finish(
            "ansible-playbook",
            ["--inventory", inventory, "--extra-vars", `@${variables}`, book],
            {
                cwd: folder,
                env: {
                    PATH: process.env.PATH,
                    HOME: folder,
                    LANG: "C.UTF-8",
                    ANSIBLE_PIPELINING: String(pipelining),
                    // A connection that was kept open by an earlier run would be none of this one.
                    ANSIBLE_SSH_CONTROL_PATH_DIR: mkdtempSync(join(site.folder, "c-")),
                    ANSIBLE_LOCALHOST_WARNING: "false",
                },
            },
        );
        return seconds;
    };
    return { version, play, reset: () => zot.reset(), stop: () => zot.stop() };
}
