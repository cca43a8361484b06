/** npm run move-metadata: moves accounts, API keys and pulls from zot's meta.db into redis, by redis-cli. */
import { UserError } from "../clients/userError";
import { membersOf } from "../components/settings";
import { metadataPlace, namelessSecretFiles, renderZotConfig } from "../components/zotConfig";
import { readMetaDb } from "./keys/metaDb";
import { metadataForRedis } from "./move/redis";
import { command, printBytes, remark, run } from "./shared/command";
import { givenFile } from "./shared/givenFile";
import { declaredByOption, withStackOption } from "./shared/stack";

interface Options {
    from: string;
    replace?: boolean;
}

const program = withStackOption(
    command(
        "npm run move-metadata --",
        "Prints commands for redis-cli --pipe that copy the accounts, API keys, stars and counts of pulls of a stopped " +
            "zot from its meta.db into the redis in the stack's settings (redis.address).",
        "ssh registry-host sudo cat /var/lib/zot/meta.db | npm run --silent move-metadata -- --stack prod --from - | " +
            "redis-cli -u redis://cache.example.org:6379 --pipe",
    ),
)
    .requiredOption("--from <file>", "a copy of the meta.db in zot's rootDirectory; - for standard input", givenFile)
    .option("--replace", "replace what is already in redis, if no zot has served from it yet")
    .action(({ from, replace = false }: Options) => {
        const [{ settings }] = membersOf(declaredByOption(program).settings);
        const place = metadataPlace(renderZotConfig(settings, namelessSecretFiles(settings)));
        if (place.kind !== "redis")
            throw new UserError(
                `The stack's zot keeps accounts and keys in ${place.kind === "file" ? place.file : place.driver}, not ` +
                    "in redis. Set redis.address first: " +
                    "docs/scale.md, The settings.",
            );
        const moved = readMetaDb(from, (bytes) => metadataForRedis(bytes, place.keyPrefix, replace));
        printBytes(moved.commands);
        remark(
            `For redis, below ${place.keyPrefix}: ${moved.accounts} accounts with ${moved.keys} API keys, and the pushes ` +
                `and pulls of ${moved.repositories} repositories. redis-cli reports at its end whether it accepted them.`,
        );
    });
void run(program);
