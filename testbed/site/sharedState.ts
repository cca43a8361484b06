/**
 * What several instances of zot share: images in a bucket (S3, as moto serves it), the rest in redis. Real redis; moto
 * from PyPI, or another server that speaks S3.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { findExecutable } from "../bootstrap/toolchain.cjs";
import { freePort } from "./ports";

export interface SharedState {
    /** For `zot.extraConfig`. */
    extraConfig: Record<string, unknown>;
    /** For zot's process: the credentials of the bucket, which no config holds. */
    environment: Record<string, string>;
    redisPort: number;
    stop(): void;
}

/** Why there is none here; undefined where there is. */
export function noSharedState(): string | undefined {
    if (!findExecutable("redis-server"))
        return "there is no redis-server on the PATH; Debian's package is redis-server";
    if (!findExecutable("moto_server")) return "there is no moto_server on the PATH (pip install 'moto[s3,server]')";
    return undefined;
}

/** Starts both, empty. */
export async function startSharedState(): Promise<SharedState> {
    const servers: ChildProcess[] = [];
    const start = (program: string, args: string[]) =>
        servers.push(spawn(findExecutable(program)!, args, { stdio: "ignore" }));
    const stop = () => {
        for (const server of servers.splice(0)) server.kill();
    };
    try {
        const [redisPort, s3Port] = [await freePort(), await freePort()];
        start("redis-server", ["--port", String(redisPort), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        start("moto_server", ["-H", "127.0.0.1", "-p", String(s3Port)]);
        const s3 = `http://127.0.0.1:${s3Port}`;
        await until(async () => (await fetch(`${s3}/moto-api/`)).ok, "moto");
        const made = await fetch(`${s3}/zot`, { method: "PUT" });
        if (!made.ok) throw new Error(`moto answered ${made.status} when it was asked for a bucket`);
        const redis = (keyprefix: string) => ({
            name: "redis",
            url: `redis://127.0.0.1:${redisPort}`,
            keyprefix,
        });
        return {
            extraConfig: {
                storage: {
                    dedupe: false,
                    remoteCache: true,
                    cacheDriver: redis("zot"),
                    storageDriver: {
                        name: "s3",
                        rootdirectory: "/zot",
                        region: "us-east-1",
                        regionendpoint: s3,
                        bucket: "zot",
                        forcepathstyle: true,
                        secure: false,
                        skipverify: false,
                    },
                },
                http: { auth: { sessionDriver: redis("zotsession") } },
            },
            environment: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "canary-of-s3" },
            redisPort,
            stop,
        };
    } catch (error) {
        stop();
        throw error;
    }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
        if (await condition().catch(() => false)) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Waited for ${what} in vain.`);
}
