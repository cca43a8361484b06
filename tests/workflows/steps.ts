/** The steps of the workflows, run as they are written, in a folder of their own and against a forge in this process. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { parse } from "yaml";

export const root = path.resolve(__dirname, "../..");
export const scripts = path.join(root, ".github/scripts");

interface Step {
    name?: string;
    uses?: string;
    with?: Record<string, unknown>;
    env?: Record<string, string>;
    run?: string;
}
export interface Job {
    permissions?: Record<string, string>;
    if?: string;
    needs?: string;
    steps: Step[];
}
interface Workflow {
    on: Record<string, unknown>;
    permissions?: object;
    jobs: Record<string, Job>;
}
export const workflow = (file: string) => parse(fs.readFileSync(path.join(root, file), "utf8")) as Workflow;

const folders: string[] = [];
export const scratch = () => {
    folders.push(fs.mkdtempSync(path.join(os.tmpdir(), "workflows-test-")));
    return folders.at(-1)!;
};
export const CANARY = "canary/passphrase+of=the run";
const TOOLS = path.dirname(process.execPath);

interface Ran {
    status: number | null;
    stdout: string;
    stderr: string;
}
/** Runs a program while the servers of this process go on answering. */
export function ran(
    program: string,
    args: string[],
    options: { cwd: string; env?: Record<string, string>; input?: string },
): Promise<Ran> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, {
            cwd: options.cwd,
            env: { PATH: `${TOOLS}:/usr/bin:/bin`, HOME: options.cwd, ...options.env },
            timeout: 60_000,
        });
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (data) => (stdout += String(data)));
        child.stderr.on("data", (data) => (stderr += String(data)));
        child.on("error", reject);
        child.on("close", (status) => resolve({ status, stdout, stderr }));
        child.stdin.on("error", () => {});
        child.stdin.end(options.input ?? "");
    });
}
/** A step's script, as a runner runs it. */
export const step = (file: string, job: string, name: string, options: Parameters<typeof ran>[2]) => {
    const found = workflow(file).jobs[job]!.steps.find((candidate) => candidate.name === name);
    if (!found?.run) throw new Error(`${file} has no step ${name}`);
    return ran("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", found.run], options);
};

/** A checkout with the scripts, and stand-ins for the programs that they call. */
export function checkout({ pulumi = "", npm = "", verify = "" }: { pulumi?: string; npm?: string; verify?: string }): {
    folder: string;
    env: Record<string, string>;
} {
    const folder = scratch();
    fs.cpSync(scripts, path.join(folder, ".github/scripts"), { recursive: true });
    const bin = path.join(folder, "bin");
    fs.mkdirSync(bin);
    for (const [name, body] of Object.entries({ pulumi, npm }))
        fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho "${name} $*" >>"${folder}/calls"\n${body}\n`, {
            mode: 0o755,
        });
    fs.mkdirSync(path.join(folder, "build"));
    fs.writeFileSync(path.join(folder, "build/run.cjs"), verify);
    return { folder, env: { PATH: `${bin}:${TOOLS}:/usr/bin:/bin` } };
}

export const removeFolders = () =>
    folders.splice(0).forEach((folder) => fs.rmSync(folder, { recursive: true, force: true }));

/** The part of a forge's interface that the scripts use. */
export async function forge() {
    interface Item {
        id: number;
        number: number;
        title?: string;
        body: string;
        state: string;
        user: { login: string; type: string };
    }
    const items: { comments: Item[]; issues: Item[] } = { comments: [], issues: [] };
    const ours = { login: "zot-bot", type: "User" };
    const add = (list: Item[], given: Partial<Item>) => {
        const id = items.comments.length + items.issues.length + 1;
        list.push({ id, number: id, body: "", state: "open", user: ours, ...given });
        return list.at(-1)!;
    };
    const tokens = new Set<string | undefined>();
    const server = http.createServer((request, response) => {
        let text = "";
        request.on("data", (data) => (text += String(data)));
        request.on("end", () => {
            tokens.add(request.headers.authorization);
            const url = new URL(request.url!, "http://forge");
            const page = <T>(list: T[]) =>
                list.slice((Number(url.searchParams.get("page")) - 1) * 50, Number(url.searchParams.get("page")) * 50);
            const body = (text ? JSON.parse(text) : {}) as Partial<Item>;
            const [, kind, id] = /^\/repos\/o\/r\/issues(\/comments)?\/?(\d+)?/.exec(url.pathname) ?? [];
            const list = kind ? items.comments : items.issues;
            const answer =
                request.method === "PATCH"
                    ? Object.assign(list.find((item) => item.id === Number(id))!, body)
                    : url.pathname.endsWith("/7/comments")
                      ? request.method === "GET"
                          ? page(items.comments)
                          : add(items.comments, body)
                      : request.method === "GET"
                        ? page(items.issues.filter(({ state }) => state === "open"))
                        : url.pathname.endsWith("/comments")
                          ? add(items.comments, body)
                          : add(items.issues, body);
            response.setHeader("content-type", "application/json");
            response.end(JSON.stringify(answer));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    server.unref();
    return {
        items,
        add,
        tokens,
        env: {
            GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            GITHUB_REPOSITORY: "o/r",
            FORGE_TOKEN: "forge-token",
        },
        stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
    };
}
