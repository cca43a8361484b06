/** What a failed deployment tells of what zot has said. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectionScript } from "../../host/scripts";
import transaction from "../../host/transaction.sh";
import zotLog from "../../host/zotLog.sh";
import { runIn, scratchFolder, shells } from "./shells";

const dash = shells.find((shell) => shell.reason === undefined)!;
const quoted = (text: string) => `'${text}'`;

describe("what is told of zot's log", () => {
    const words = (log: string, { credentials = "", keys = "", ofConfig = "" } = {}) => {
        const folder = scratchFolder();
        for (const [name, content] of Object.entries({
            log,
            credentials,
            sessionKeys: keys,
            configSecrets: ofConfig,
            output: "",
        }))
            writeFileSync(join(folder, name), content);
        const script =
            `${inspectionScript}\n${zotLog}\nfolder=${quoted(folder)}; manager=command; log_file=; ` +
            `restarted=yes; log_lengths=" ${folder}/log:0"; last_words`;
        return runIn(dash, script);
    };

    it("is its errors, else its last lines, cut short", () => {
        const lines = Array.from(
            { length: 30 },
            (_, index) =>
                `{"time":"2026-11-23T08:34:55Z","level":"info","message":"line ` +
                `${index}","caller":"x.go:1","goroutine":1}`,
        );
        expect(words(lines.join("\n")).output.split("\n").filter(Boolean)).toEqual(
            [25, 26, 27, 28, 29].map((index) => `"level":"info","message":"line ${index}"`),
        );
        const error =
            '{"time":"2026-11-23T08:34:55Z","level":"error","message":"no issuer","error":"refused","caller":"x.go:1"}';
        expect(
            words([...lines, error, "panic: failed", "goroutine 1 [running]:", "main.main()"].join("\n")).output,
        ).toBe('"level":"error","message":"no issuer","error":"refused"\npanic: failed\n');
        expect(words(`Error: ${"x".repeat(2000)}\n`).output.length).toBeLessThan(500);
        expect(words("one\n\n  \nError: http: Server closed\ntwo\n\n").output).toBe("one\ntwo\n");
    });

    it("is not what the restart has said, which is told as such, with how to see what zot has said", () => {
        const note = (log: string, said: string) => {
            const folder = scratchFolder();
            for (const [name, content] of Object.entries({ log, output: said, credentials: "", sessionKeys: "" }))
                writeFileSync(join(folder, name), content);
            return runIn(
                dash,
                `${inspectionScript}\n${zotLog}\n${transaction}\nfolder=${quoted(folder)}; manager=command; ` +
                    `log_file=; restarted=yes; log_lengths=" ${folder}/log:0"; last_words_note`,
            ).output;
        };
        expect(note("", " * Starting zot ... [ ok ]\n")).toBe(
            "\nThe restart has said:\n * Starting zot ... [ ok ]\n" +
                "To see zot's output here, set host.logFile to its log. [ZH-LOG-NOT-SET]",
        );
        expect(note("Error: no good\n", " * Starting zot ... [ ok ]\n")).toBe(
            "\nThe last words of zot:\nError: no good",
        );
        expect(note("", "")).toBe("\nTo see zot's output here, set host.logFile to its log. [ZH-LOG-NOT-SET]");
    });

    describe("under systemd", () => {
        const journal = (...lines: string[]) => lines.map((line) => `1000.5 host ${line}`).join("\n");
        const [stopped, started] = ["systemd[1]: Stopped zot.service.", "systemd[1]: Started zot.service."];
        const note = (lines: string, { config = "", log = "" } = {}) => {
            const folder = scratchFolder();
            const files = { journal: lines, log, "zot.log": log, output: "", credentials: "", sessionKeys: "", config };
            for (const [name, content] of Object.entries(files))
                writeFileSync(join(folder, name), content.replaceAll("FOLDER", folder));
            return runIn(
                dash,
                `${inspectionScript}\n${zotLog}\n${transaction}\njournalctl() { cat ${quoted(folder)}/journal; }\n` +
                    `folder=${quoted(folder)}; manager=systemd; service=zot; sudo=off; log_file=; restarted=yes; ` +
                    `restarted_at=1000; [ ! -s "$folder/config" ] || expect_of "$folder/config"; log_lengths=; ` +
                    `for log in $(zot_logs); do log_lengths="$log_lengths $log:0"; done; last_words_note`,
            ).output;
        };

        it("is what the unit's programs have said, and nothing that systemd has", () => {
            const said = journal(stopped, started, "zot[7]: Error: no good", "systemd[1]: zot.service: Failed.");
            expect(note(said)).toBe("\nThe last words of zot:\nError: no good");
        });

        it("is told to be elsewhere where only systemd has said something, which is told as such", () => {
            const elsewhere =
                "zot has written nothing to the journal of zot.service; if it logs to a file, set host.logFile to that file. " +
                "[ZH-LOG-ELSEWHERE]";
            const again = "systemd[1]: zot.service: Scheduled restart job, restart counter is at 1.";
            expect(note(journal(stopped, started, again))).toBe(`\n${elsewhere}`);
            expect(note(journal(started, "systemd[1]: zot.service: Failed with result 'oom-kill'."))).toBe(
                `\nsystemd has said:\nzot.service: Failed with result 'oom-kill'.\n${elsewhere}`,
            );
        });

        it("is in the file that the config names", () => {
            const config = JSON.stringify({ http: { port: "1" }, log: { output: "FOLDER/zot.log" } });
            expect(note(journal(started), { config, log: "Error: from the file\n" })).toBe(
                "\nThe last words of zot:\nError: from the file",
            );
        });
    });

    it("holds no secret, even where zot has logged it", () => {
        const credentials = '{"clientid":"zot","clientsecret":"canary+secret/with*signs"}\n';
        const keys = '{"hashKey":"canary-hash-key","encryptKey":"canary-encryption"}\n';
        const { output, errors } = words(
            "Error: canary+secret/with*signs and canary-hash-key, canary-encryption canary-encryption of zot\n",
            { credentials, keys },
        );
        expect(output).toBe("Error: [secret] and [secret], [secret] [secret] of zot\n");
        expect(errors).toBe("");
    });

    it("holds no secret of the config, in none of the forms that were sent; what is in every text is none", () => {
        const ofConfig = 'canary"quoted\\\ncanary\\"quoted\\\\\nsecret\nabc\n';
        const { output } = words('Error: canary"quoted\\ or canary\\"quoted\\\\ is no secret of abc\n', { ofConfig });
        expect(output).toBe("Error: [secret] or [secret] is no secret of abc\n");
    });
});
