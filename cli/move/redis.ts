/**
 * What zot knows of accounts, API keys, stars and pulls, from its `meta.db` into redis, as commands of redis' protocol.
 * zot 2.1.20 keeps the same names and the same bytes in both: buckets of the one are hashes of the other. What it knows
 * of the images themselves it reads from them anew at its start. Pure.
 */
import { UserError } from "../../clients/userError";
import { BoltError, bucketOf } from "../keys/bolt";

/** Buckets of the one, and hashes of the other. `RepoMeta` has who pushed what and when, how often it is pulled. */
const MOVED = ["UserData", "UserAPIKeys", "RepoMeta"] as const;
/** What zot has read from images; it reads it again where it is gone. */
const READ_AGAIN = ["RepoLastUpdated", "RepoBlobsMeta", "ImageMeta", "FastRestartStamp"];
const KNOWN_VERSION = "V1";

/** All or nothing: what is there stays as it is, unless it is to be replaced. KEYS: those written, then their places. */
const PUT = `local half = #KEYS / 2
if ARGV[1] ~= 'replace' then
  for i = half + 1, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then
      for j = 1, half do redis.call('DEL', KEYS[j]) end
      return redis.error_reply('ERR ' .. KEYS[i] .. ' is there already, and nothing was changed. Where no zot has served from this redis, say --replace.')
    end
  end
end
for i = 1, half do
  redis.call('DEL', KEYS[half + i])
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('RENAME', KEYS[i], KEYS[half + i]) end
end
return 'OK'`;

export interface MovedMetadata {
    /** For `redis-cli --pipe`. */
    commands: Buffer;
    accounts: number;
    keys: number;
    repositories: number;
}

/** @throws BoltError where the bytes are no such file, UserError where it is one that this does not know. */
export function metadataForRedis(file: Buffer, prefix: string, replace: boolean): MovedMetadata {
    const version = bucketOf(file, "Version")
        ?.find(([key]) => key === "DBVersion")?.[1]
        .toString("utf8");
    if (version === undefined)
        throw new BoltError("it has no version of zot's in it; name the meta.db in zot's rootDirectory");
    if (version !== KNOWN_VERSION)
        throw new UserError(
            `The meta.db is of the version ${JSON.stringify(version.slice(0, 20))}, and this command knows ` +
                `${KNOWN_VERSION} alone, which zot 2.1.20 has. Look for a newer one of this program.`,
        );
    const found = MOVED.map((name) => bucketOf(file, name) ?? []);
    const place = (name: string) => `${prefix}:${name}`;
    const onTheWay = (name: string) => place(`moving:${name}`);
    const commands = [
        ["DEL", ...MOVED.map(onTheWay)],
        ...MOVED.flatMap((name, index) => found[index]!.map((entry) => ["HSET", onTheWay(name), ...entry])),
        ...(replace ? [["DEL", ...READ_AGAIN.map(place)]] : []),
        ["EVAL", PUT, String(2 * MOVED.length), ...MOVED.map(onTheWay), ...MOVED.map(place), replace ? "replace" : ""],
    ];
    const [accounts, keys, repositories] = found.map(({ length }) => length) as [number, number, number];
    return { commands: Buffer.concat(commands.map(encoded)), accounts, keys, repositories };
}

/** A command as redis reads it, whatever bytes are in it. */
function encoded(words: readonly (string | Buffer)[]): Buffer {
    const parts = words.flatMap((word) => {
        const bytes = Buffer.from(word as string);
        return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
    });
    return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}
