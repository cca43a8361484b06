/** What the settings of shared storage say together, and must not. Pure. */
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
                          "it is missing, while storage.bucket is set, and without it zot does not start; set the " +
                              "region of the bucket, and for an S3 that knows none us-east-1: " +
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
                          "it is true without redis.address, and would have no effect; set redis.address, or remove it.",
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
                          "with redis.tls zot takes it from an address alone, which zot 2.1.20 writes into its log at " +
                              `level ${zot.logLevel}; set zot.logLevel to warn or error, or redis.tls to false.`,
                      ),
                  ]
                : [],
    },
    { needs: ["redis.address", "zot.extraConfig"], check: otherLoginsToRedis },
    { needs: ["cluster.members", "cluster.hashKey", "zot.extraConfig"], check: clusterMistakes },
];

/** Where redis is and who logs in there: from an address zot takes all of it, and passes over what else there is. */
const DECIDED_BY_REDIS = ["url", "addr", "username"];

function otherLoginsToRedis({ redis, zot }: Settings): SettingMistake[] {
    if (redis.address === undefined) return [];
    return REDIS_PLACES.flatMap((path) => {
        const driver = valueAt(zot.extraConfig as JsonMap, path.split("."));
        if (!isJsonMap(driver)) return [];
        return DECIDED_BY_REDIS.filter((key) => keyIn(driver, key) !== undefined).map((key) =>
            mistake(
                "zot.extraConfig",
                `${path}.${key} is set, and so is redis.address, which decides about it; leave it out here.`,
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
                "it is missing, while cluster.members is set; give 16 characters, the same on all instances: " +
                    'pulumi config set --path cluster.hashKey "$(openssl rand -hex 8)"',
            ),
        );
    if (members.length < 2)
        found.push(
            mistake(
                "cluster.members",
                "it names less than two instances, of which none would ask another; name every instance, or leave it and cluster.hashKey out.",
            ),
        );
    const twice = members.filter((member, index) => members.indexOf(member) < index);
    found.push(
        ...twice.map((member) => mistake("cluster.members", `${shown(member)} is there twice; remove one of them.`)),
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
