/** Checks the settings of shared storage against each other. Pure. */
import { isJsonMap, type JsonMap, keyIn, valueAt } from "../../zotJson";
import type { Settings } from "../declarations";
import { REDIS_PLACES } from "../declared/storage";
import { type SettingMistake, shown } from "../setting";
import { type CrossCheck, mistake } from "./crossCheck";

export const storageChecks: CrossCheck[] = [
    {
        needs: ["storage.bucket", "storage.region"],
        check: ({ storage }) =>
            storage.bucket !== undefined && storage.region === undefined
                ? [
                      mistake(
                          "storage.region",
                          "it is missing, but storage.bucket is set, and zot does not start without it; set the " +
                              "region of the bucket, or us-east-1 for an S3 without regions: " +
                              "pulumi config set --path storage.region us-east-1",
                      ),
                  ]
                : [],
    },
    {
        needs: ["redis.address", "redis.tls"],
        check: ({ redis }) =>
            redis.tls && redis.address === undefined
                ? [
                      mistake(
                          "redis.tls",
                          "it is true without redis.address, so it has no effect; set redis.address, or remove it.",
                      ),
                  ]
                : [],
    },
    {
        needs: ["redis.password", "redis.tls", "zot.logLevel"],
        check: ({ redis, zot }) =>
            redis.tls && redis.password !== undefined && ["debug", "info"].includes(zot.logLevel)
                ? [
                      mistake(
                          "redis.password",
                          "with redis.tls, zot can get it only as part of an address, which zot 2.1.20 writes into its log at " +
                              `level ${zot.logLevel}; set zot.logLevel to warn or error, or redis.tls to false.`,
                      ),
                  ]
                : [],
    },
    { needs: ["redis.address", "zot.extraConfig"], check: otherLoginsToRedis },
    { needs: ["cluster.members", "cluster.hashKey", "zot.extraConfig"], check: clusterMistakes },
];

/** Keys that say where redis is and who logs in. If zot is given an address, it ignores the others. */
const DECIDED_BY_REDIS = ["url", "addr", "username"];

function otherLoginsToRedis({ redis, zot }: Settings): SettingMistake[] {
    if (redis.address === undefined) return [];
    return REDIS_PLACES.flatMap((path) => {
        const driver = valueAt(zot.extraConfig as JsonMap, path.split("."));
        if (!isJsonMap(driver)) return [];
        return DECIDED_BY_REDIS.filter((key) => keyIn(driver, key) !== undefined).map((key) =>
            mistake(
                "zot.extraConfig",
                `${path}.${key} is set, but redis.address already decides it; leave it out here.`,
            ),
        );
    });
}

function clusterMistakes({ cluster, zot }: Settings): SettingMistake[] {
    const { members, hashKey } = cluster;
    if (members === undefined) return [];
    const found: SettingMistake[] = [];
    if (hashKey === undefined)
        found.push(
            mistake(
                "cluster.hashKey",
                "it is missing, but cluster.members is set; give 16 characters, the same on all instances: " +
                    'pulumi config set --path cluster.hashKey "$(openssl rand -hex 8)"',
            ),
        );
    if (members.length < 2)
        found.push(
            mistake(
                "cluster.members",
                "it names fewer than two instances, so none has another one to ask; name every instance, or leave it and cluster.hashKey out.",
            ),
        );
    const twice = members.filter((member, index) => members.indexOf(member) < index);
    found.push(
        ...twice.map((member) => mistake("cluster.members", `${shown(member)} is listed twice; remove one of them.`)),
    );
    if (valueAt(zot.extraConfig as JsonMap, ["cluster", "members"]) !== undefined)
        found.push(
            mistake(
                "zot.extraConfig",
                "cluster.members is set, and so is the setting of that name; leave it out here.",
            ),
        );
    return found;
}
