/**
 * What several instances of zot share: images in a bucket (S3, as moto serves it), the rest in redis. Real redis; moto
 * from PyPI, or another server that speaks S3.
 */
import type { JsonMap } from "../../components/zotJson";
import { findExecutable } from "../bootstrap/toolchain.cjs";
import { noMoto, startMoto, startServer } from "./moto";
import { freePort } from "./ports";

export interface SharedState {
    /** The settings that name it. */
    settings: Record<"storage" | "redis", Record<string, unknown>>;
    /** What they come to in zot's config. */
    config: JsonMap;
    /** For zot's process: the credentials of the bucket, which no config holds. */
    environment: Record<string, string>;
    stop(): void;
}

/** Why this machine has none; undefined if it has. */
export const noSharedState = (): string | undefined =>
    findExecutable("redis-server")
        ? noMoto()
        : "there is no redis-server on the PATH; Debian's package is redis-server";

/** Starts both, empty. */
export async function startSharedState(): Promise<SharedState> {
    const redisPort = await freePort();
    const memory = ["--port", String(redisPort), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const stopRedis = startServer("redis-server", memory);
    try {
        const moto = await startMoto("zot");
        const address = `127.0.0.1:${redisPort}`;
        const redis = (keyprefix: string) => ({ name: "redis", addr: [address], keyprefix });
        return {
            settings: {
                storage: { bucket: "zot", region: "us-east-1", endpoint: moto.url, pathStyle: true },
                redis: { address },
            },
            config: {
                storage: {
                    dedupe: false,
                    remoteCache: true,
                    cacheDriver: redis("zot"),
                    storageDriver: {
                        name: "s3",
                        rootdirectory: "/zot",
                        region: "us-east-1",
                        regionendpoint: moto.url,
                        bucket: "zot",
                        forcepathstyle: true,
                    },
                },
                http: { auth: { sessionDriver: redis("zotsession") } },
            },
            environment: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "canary-of-s3" },
            stop() {
                moto.stop();
                stopRedis();
            },
        };
    } catch (error) {
        stopRedis();
        throw error;
    }
}
