import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { scratchFolder } from "./scratch";

const cache = require("../../../testbed/bootstrap/cache.cjs") as {
    cacheFolder(env: NodeJS.ProcessEnv): string;
    install<T>(folder: string, fill: (temporary: string) => Promise<T>): Promise<T>;
    lock(
        cache: string,
        options?: { onWait?: (pid: number) => void; pollMilliseconds?: number; limitMilliseconds?: number },
    ): Promise<() => void>;
    ownCache(cache: string): void;
    removeUnfinished(cache: string): void;
};
const module_ = require.resolve("../../../testbed/bootstrap/cache.cjs");

describe("cacheFolder", () => {
    test("is the folder that ZOT_HARDENING_CACHE names", () => {
        expect(cache.cacheFolder({ ZOT_HARDENING_CACHE: "/srv/cache" })).toBe("/srv/cache");
    });
    test("is in XDG_CACHE_HOME, which the specification wants absolute, else in ~/.cache", () => {
        expect(cache.cacheFolder({ XDG_CACHE_HOME: "/var/cache/me" })).toBe("/var/cache/me/zot-hardening");
        expect(cache.cacheFolder({ XDG_CACHE_HOME: "relative" })).toBe(
            path.join(os.homedir(), ".cache", "zot-hardening"),
        );
        expect(cache.cacheFolder({})).toBe(path.join(os.homedir(), ".cache", "zot-hardening"));
    });
});

describe("ownCache", () => {
    test("makes a cache that nobody else may write to, and takes one that nobody else may write to", () => {
        const folder = path.join(scratchFolder(), "cache");
        cache.ownCache(folder);
        expect(fs.statSync(folder).mode & 0o077).toBe(0);
        fs.chmodSync(folder, 0o755);
        expect(() => cache.ownCache(folder)).not.toThrow();
    });
    test.each([0o777, 0o775])("refuses one of mode %o, from which others' programs would be run", (mode) => {
        const folder = scratchFolder();
        fs.chmodSync(folder, mode);
        expect(() => cache.ownCache(folder)).toThrow(
            `Programs are run from ${folder}, and others than its owner may write to it.`,
        );
    });
    const asRoot = process.getuid?.() === 0 ? test : test.skip;
    asRoot("refuses one of another user's", () => {
        const folder = scratchFolder();
        fs.chownSync(folder, 12345, 12345);
        expect(() => cache.ownCache(folder)).toThrow("it belongs to the user with the number 12345");
    });
});

describe("install", () => {
    test("shows a folder only once it is complete", async () => {
        const folder = path.join(scratchFolder(), "part");
        await cache.install(folder, async (temporary) => {
            fs.writeFileSync(path.join(temporary, "file"), "whole");
            expect(fs.existsSync(folder)).toBe(false);
        });
        expect(fs.readFileSync(path.join(folder, "file"), "utf8")).toBe("whole");
    });
    test("leaves nothing behind where it fails", async () => {
        const parent = scratchFolder();
        const failing = cache.install(path.join(parent, "part"), async () => Promise.reject(new Error("disk full")));
        await expect(failing).rejects.toThrow("disk full");
        expect(fs.readdirSync(parent)).toEqual([]);
    });
    test("what a killed process left half done is removed, what is complete stays", () => {
        const parent = scratchFolder();
        fs.mkdirSync(path.join(parent, ".installing-1-part"));
        fs.mkdirSync(path.join(parent, "part"));
        cache.removeUnfinished(parent);
        expect(fs.readdirSync(parent)).toEqual(["part"]);
    });
});

/**
 * A process that takes the lock, says so, appends to a journal around its work, and gives the lock back (or is killed
 * with it).
 */
function holder(
    folder: string,
    journal: string,
    then: "release" | "hang",
): Promise<{ pid: number; ended: Promise<unknown>; kill(): void }> {
    const code = `
        const fs = require("node:fs");
        require(${JSON.stringify(module_)}).lock(${JSON.stringify(folder)}, { pollMilliseconds: 5 }).then(async (release) => {
            fs.appendFileSync(${JSON.stringify(journal)}, "enter " + process.pid + "\\n");
            console.log("locked");
            if (${JSON.stringify(then)} === "hang") return setInterval(() => undefined, 1000);
            await new Promise((resolve) => setTimeout(resolve, 30));
            fs.appendFileSync(${JSON.stringify(journal)}, "leave " + process.pid + "\\n");
            release();
        });`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.on("close", resolve));
    const result = { pid: child.pid as number, ended, kill: () => void child.kill("SIGKILL") };
    if (then === "release") return Promise.resolve(result);
    return new Promise((resolve) => child.stdout.once("data", () => resolve(result)));
}

describe("lock", () => {
    test("is held by one process at a time", async () => {
        const folder = scratchFolder();
        const journal = path.join(folder, "journal");
        const holders = await Promise.all(Array.from({ length: 5 }, () => holder(folder, journal, "release")));
        await Promise.all(holders.map(({ ended }) => ended));
        const lines = fs.readFileSync(journal, "utf8").trim().split("\n");
        expect(lines).toHaveLength(10);
        for (let index = 0; index < lines.length; index += 2) {
            expect(lines[index + 1]).toBe(lines[index]?.replace("enter", "leave"));
        }
        expect(fs.readdirSync(folder)).toEqual(["journal"]);
    });

    test("of a process that was killed is taken over, by one of those that wait", async () => {
        const folder = scratchFolder();
        const journal = path.join(folder, "journal");
        const dead = await holder(folder, journal, "hang");
        const waiting = await Promise.all(Array.from({ length: 4 }, () => holder(folder, journal, "release")));
        dead.kill();
        await Promise.all([dead, ...waiting].map(({ ended }) => ended));
        const lines = fs.readFileSync(journal, "utf8").trim().split("\n").slice(1);
        expect(lines).toHaveLength(8);
        for (let index = 0; index < lines.length; index += 2) {
            expect(lines[index + 1]).toBe(lines[index]?.replace("enter", "leave"));
        }
    });

    test("of a process whose number another one has got meanwhile is taken over", async () => {
        if (process.platform !== "linux") return;
        const folder = scratchFolder();
        const holderOfOld = { pid: process.pid, start: "1", host: os.hostname(), token: "gone" };
        fs.writeFileSync(path.join(folder, "lock"), JSON.stringify(holderOfOld));
        const release = await cache.lock(folder, { pollMilliseconds: 5, limitMilliseconds: 5000 });
        release();
        expect(fs.existsSync(path.join(folder, "lock"))).toBe(false);
    });

    test("that stays taken ends in a message that says who has it and what to do", async () => {
        const folder = scratchFolder();
        const release = await cache.lock(folder);
        const waits: number[] = [];
        const second = cache.lock(folder, {
            pollMilliseconds: 5,
            limitMilliseconds: 40,
            onWait: (pid) => waits.push(pid),
        });
        await expect(second).rejects.toThrow(
            new RegExp(`process ${process.pid} on .* holds ${folder}/lock.*remove that file`),
        );
        expect(waits).toEqual([process.pid]);
        release();
    });

    test("held on another host is respected", async () => {
        const folder = scratchFolder();
        const elsewhere = { pid: 2 ** 22 + 1, host: `not-${os.hostname()}`, token: "elsewhere" };
        fs.writeFileSync(path.join(folder, "lock"), JSON.stringify(elsewhere));
        await expect(cache.lock(folder, { pollMilliseconds: 5, limitMilliseconds: 30 })).rejects.toThrow("holds");
    });
});
