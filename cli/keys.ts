/** npm run keys: lists the accounts and API keys of all users that zot keeps. */
import { outsideText } from "../clients/outsideText";
import { type Account, accountsIn } from "./keys/accounts";
import { readMetaDb } from "./keys/metaDb";
import { command, exitCodes, print, printJson, run } from "./shared/command";
import { givenFile } from "./shared/givenFile";

/** A name or label that somebody else chose. */
const quoted = (text: string) => `"${outsideText(text, 100)}"`;
const several = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
const day = (time: string | undefined) => (time === undefined ? undefined : outsideText(time.slice(0, 10), 10));

function textOf(accounts: Account[]): string {
    const lines = accounts.flatMap(({ name, groups, keys, expired, former }) => [
        `${quoted(name)}, at the last login in ` +
            `${groups.length > 0 ? groups.map(quoted).join(", ") : "no group"}${former ? `; ${former}` : ""}`,
        ...keys.map(({ label, uuid, created, expires, lastUsed }) => {
            const end = expires === undefined ? "NEVER ENDS" : `ends ${day(expires)}`;
            return (
                `  key ${quoted(label)}: made ${day(created)}, ${end}, ` +
                `${lastUsed === undefined ? "never used" : `last used ${day(lastUsed)}`} (${outsideText(uuid, 40)})`
            );
        }),
        ...(keys.length === 0 ? ["  no working key"] : []),
        ...(expired > 0 ? [`  ${expired} expired`] : []),
    ]);
    const keys = accounts.flatMap((account) => account.keys);
    const endless = keys.filter(({ expires }) => expires === undefined).length;
    const former = accounts.filter((account) => account.former && account.keys.length > 0).length;
    const sum = [
        `${several(accounts.length, "account")}, ${several(keys.length, "working key")}`,
        ...(endless > 0 ? [`${endless} of them never end`] : []),
        ...(former > 0
            ? [`${several(former, "account")} of former logins with keys: docs/operations.md, Accounts of before`]
            : []),
    ];
    return [...lines, "", `${sum.join("; ")}.`].join("\n");
}

const program = command(
    "npm run keys --",
    "Lists the accounts and API keys that zot keeps, of all users: zot itself shows each user only their own.",
    "ssh registry-host sudo cat /var/lib/zot/meta.db | npm run --silent keys -- --from -",
)
    .requiredOption(
        "--from <file>",
        "a copy of the meta.db in zot's rootDirectory, which holds keys as hashes; - for standard input",
        givenFile,
    )
    .option("--json", "as JSON")
    .addHelpText(
        "after",
        `\nIf zot keeps its metadata in redis or DynamoDB (storage.cacheDriver), ` +
            `it is not in that file.\n${exitCodes(
                "done",
                "the file does not belong to zot, or was copied while zot " + "wrote to it",
            )}`,
    )
    .action(({ from, json }: { from: string; json?: boolean }) => {
        const accounts = readMetaDb(from, (bytes) => accountsIn(bytes, new Date()));
        if (json) printJson({ accounts });
        else print(`${textOf(accounts)}\n`);
    });
void run(program);
