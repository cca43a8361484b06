/**
 * What the program is compared with: the same registry's config kept by Ansible, as the site of the source document had
 * it; on the same SSH host, with a zot of its own. It knows nothing of Authentik.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Site } from "../site";
import { freePort } from "../site/ports";
import { startZotService } from "../site/zotService";
import { finish } from "./preview";

export interface AnsibleSite {
    version: string;
    /** Runs the playbook; with a right that is another one than before, where that is wanted. In seconds. */
    play(options: { pipelining: boolean; changesRight: boolean }): Promise<number>;
    stop(): void;
}

/** The version of the Ansible that is here; undefined where there is none. */
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
    const folder = join(site.folder, "ansible");
    const configFolder = join(folder, "zot");
    mkdirSync(configFolder, { recursive: true });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const configFile = join(configFolder, "config.json");
    const zot = startZotService({ folder, binary, configFile, url });

    const { ssh } = site;
    const write = (name: string, text: string, mode: number) => {
        writeFileSync(join(folder, name), text, { mode });
        return join(folder, name);
    };
    const key = write("key.pem", ssh.privateKeyPem, 0o600);
    const knownHosts = write("known_hosts", `[${ssh.host}]:${ssh.port} ${ssh.hostPublicKey}\n`, 0o644);
    const inventory = write(
        "inventory.yml",
        stringify({
            registry: {
                hosts: {
                    here: {
                        ansible_host: ssh.host,
                        ansible_port: ssh.port,
                        ansible_user: ssh.user,
                        ansible_ssh_private_key_file: key,
                        ansible_ssh_extra_args: `-o UserKnownHostsFile=${knownHosts} -o StrictHostKeyChecking=yes`,
                    },
                },
            },
        }),
        0o644,
    );
    const book = write("playbook.yml", stringify(playbook(configFolder, binary, zot.restartCommand, url)), 0o644);
    const served = JSON.parse(readFileSync(String(site.settings.zot?.configFile), "utf8")) as Served;
    let right = 0;
    const play: AnsibleSite["play"] = async ({ pipelining, changesRight }) => {
        if (changesRight) right++;
        const config = configOf(served, { port, folder: configFolder, images: join(folder, "images"), right });
        const variables = write(
            "variables.json",
            JSON.stringify({
                credentials: '{"clientid":"zot","clientsecret":"a secret for the bench"}\n',
                session_keys: `{"hashKey":"${"0".repeat(64)}","encryptKey":"${"0".repeat(32)}"}\n`,
                config: `${JSON.stringify(config, null, 2)}\n`,
            }),
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
    return { version, play, stop: () => zot.stop() };
}

/** What of a served config is changed here. */
interface Served {
    storage: Record<string, unknown>;
    http: Record<string, unknown> & {
        auth: { openid: { providers: { oidc: Record<string, unknown> } } } & Record<string, unknown>;
        accessControl: { repositories: Record<string, unknown> };
    };
}

/** The config that the program has deployed, on a port and in folders of its own; with one more rule in another name. */
function configOf(
    served: Served,
    { port, folder, images, right }: { port: number; folder: string; images: string; right: number },
) {
    const { http, storage } = served;
    const { oidc } = http.auth.openid.providers;
    return {
        ...served,
        storage: { ...storage, rootDirectory: images },
        http: {
            ...http,
            port: String(port),
            auth: {
                ...http.auth,
                sessionKeysFile: `${folder}/keys.json`,
                openid: { providers: { oidc: { ...oidc, credentialsFile: `${folder}/oidc.json` } } },
            },
            accessControl: {
                ...http.accessControl,
                repositories: {
                    ...http.accessControl.repositories,
                    [`changed-${right}/**`]: { anonymousPolicy: ["read"] },
                },
            },
        },
    };
}
