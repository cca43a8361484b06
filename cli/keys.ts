/** npm run keys: the accounts and API keys that zot keeps, of all users. */
import { readFileSync } from "node:fs";
import { outsideText } from "../clients/outsideText";
import { UserError } from "../clients/userError";
import { type Account, accountsIn } from "./keys/accounts";
import { BoltError } from "./keys/bolt";
import { command, exitCodes, print, printJson, run } from "./shared/command";

/** Larger than any: what is read is in memory as a whole. */
const LARGEST = 1 << 30;

function bytesOf(from: string): Buffer {
    const what = from === "-" ? "standard input" : from;
    try {
        const bytes = readFileSync(from === "-" ? 0 : from);
        if (bytes.length > LARGEST)
            throw new UserError(`What was read from ${what} is larger than ${LARGEST} bytes, and no meta.db.`);
        return bytes;
    } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(
            `${what} cannot be read: ${(error as NodeJS.ErrnoException).code}. ` +
                "Name a copy of the meta.db in zot's rootDirectory.",
        );
    }
}

/** A name or a label of somebody else's. */
const quoted = (text: string) => `"${outsideText(text, 100)}"`;
const day = (time: string | undefined) => (time === undefined ? undefined : outsideText(time.slice(0, 10), 10));

function textOf(accounts: Account[]): string {
    const lines = accounts.flatMap(({ name, groups, keys, expired, former }) => [
        `${quoted(name)}, at the last login in ` +
            `${groups.length > 0 ? groups.map(quoted).join(", ") : "no group"}${former ? `; ${former}` : ""}`,
        ...keys.map(({ label, uuid, created, expires, lastUsed }) => {
            const end = expires === undefined ? "WITHOUT AN END" : `ends ${day(expires)}`;
            return (
                `  key ${quoted(label)}: made ${day(created)}, ${end}, ` +
                `${lastUsed === undefined ? "never used" : `last used ${day(lastUsed)}`} (${outsideText(uuid, 40)})`
            );
        }),
        ...(keys.length === 0 ? ["  no key that works"] : []),
        ...(expired > 0 ? [`  ${expired} that ${expired === 1 ? "has" : "have"} come to their end`] : []),
    ]);
    const keys = accounts.flatMap((account) => account.keys);
    const endless = keys.filter(({ expires }) => expires === undefined).length;
    const former = accounts.filter((account) => account.former && account.keys.length > 0).length;
    const sum = [
        `${accounts.length} accounts, ${keys.length} keys that work`,
        ...(endless > 0 ? [`${endless} of them without an end`] : []),
        ...(former > 0 ? [`${former} accounts of before with keys: docs/operations.md, Accounts of before`] : []),
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
    )
    .option("--json", "as JSON")
    .addHelpText(
        "after",
        `\nWhere zot keeps its metadata in redis or DynamoDB (storage.cacheDriver), ` +
            `it is not in that file.\n${exitCodes(
                "done",
                "the file is none of zot's, or was copied while zot " + "wrote to it",
            )}`,
    )
    .action(({ from, json }: { from: string; json?: boolean }) => {
        try {
            const accounts = accountsIn(bytesOf(from), new Date());
            if (json) printJson({ accounts });
            else print(`${textOf(accounts)}\n`);
        } catch (error) {
            if (error instanceof BoltError)
                throw new UserError(
                    `${from === "-" ? "What came on standard input" : from} cannot be read as zot's meta.db: ` +
                        `${error.message}.`,
                );
            throw error;
        }
    });
void run(program);
