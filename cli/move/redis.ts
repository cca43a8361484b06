/**
 * Converts what zot knows about accounts, API keys, stars and pulls from its `meta.db` into commands of redis'
 * protocol. zot 2.1.20 uses the same names and the same bytes in both: buckets of the one are hashes of the other. At
 * its start it reads again from the images what it knows about them. Pure.
 */
import { UserError } from "../../clients/userError";
import { BoltError, bucketOf } from "../keys/bolt";

/** Buckets of meta.db that become hashes in redis. `RepoMeta` has who pushed what and when, and counts of pulls. */
const MOVED = ["UserData", "UserAPIKeys", "RepoMeta"] as const;
/** What zot has read from images. It reads it again if it is missing. */
const READ_AGAIN = ["RepoLastUpdated", "RepoBlobsMeta", "ImageMeta", "FastRestartStamp"];
const KNOWN_VERSION = "V1";

/**
 * All or nothing: what is there stays as it is, unless it is to be replaced. KEYS: those written, then their places.
 */
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
    /** Input for `redis-cli --pipe`. */
    commands: Buffer;
    accounts: number;
    keys: number;
    repositories: number;
}

/** @throws BoltError if the bytes are not such a file, UserError if its version is not supported */
export function metadataForRedis(file: Buffer, prefix: string, replace: boolean): MovedMetadata {
    const version = bucketOf(file, "Version")
        ?.find(([key]) => key === "DBVersion")?.[1]
        .toString("utf8");
    if (version === undefined)
        throw new BoltError("it contains no version of zot; name the meta.db in zot's rootDirectory");
    if (version !== KNOWN_VERSION)
        throw new UserError(
            `The meta.db has version ${JSON.stringify(version.slice(0, 20))}, but this command only supports ` +
                `${KNOWN_VERSION}, the version of zot 2.1.20. Look for a newer release of this program.`,
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

/** A command in redis' protocol; it may contain any bytes. */
function encoded(words: readonly (string | Buffer)[]): Buffer {
    const parts = words.flatMap((word) => {
        const bytes = Buffer.from(word as string);
        return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
    });
    return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}
