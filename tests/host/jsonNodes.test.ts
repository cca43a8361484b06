/** How the script reads JSON: with every awk that it may meet. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { inspectionScript } from "../../host/scripts";
import { teamRules } from "../../testbed/bench/shapes";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { siteSettings } from "../support/settings";
import { aliases, awks, dash, eachShell, quoted, runIn, scratchFolder } from "./shells";

describe("json_nodes", () => {
    /** What it is to answer, worked out here. */
    function nodes(value: unknown, path = ""): string[] {
        const own = (text: string) => [`${path.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}\t${path}\t${text}`];
        if (value === null) return [];
        if (typeof value === "string")
            return own(
                JSON.stringify(value)
                    .slice(1, -1)
                    .replace(/\\(["\\])/g, "$1"),
            );
        if (typeof value !== "object") return own(JSON.stringify(value));
        const members = Array.isArray(value)
            ? value.map((member, index) => [`${path}[${index}]`, member])
            : Object.entries(value).map(([key, member]) => [path ? `${path}.${key}` : key, member]);
        if (members.length === 0) return [];
        return [
            ...(path ? own(Array.isArray(value) ? "[" : "{") : []),
            ...members.flatMap(([name, member]) => nodes(member, name as string)),
        ];
    }

    const text = fc.string({ unit: fc.constantFrom(...'abXYZ019 .:/*"\\\n\t{}[],-'.split("")), maxLength: 12 });
    const key = fc.string({ unit: fc.constantFrom(..."abXYZ019.*/-".split("")), minLength: 1, maxLength: 8 });
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
        value: fc.oneof(
            { depthSize: "small" },
            text,
            fc.integer(),
            fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
            fc.boolean(),
            fc.constant(null),
            fc.array(tie("value"), { maxLength: 4 }),
            fc.dictionary(key, tie("value"), { maxKeys: 4 }),
        ),
    }));
    const document = fc.dictionary(key, value, { minKeys: 1, maxKeys: 5 });

    for (const awk of awks) {
        (awk.reason ? it.skip : it)(skippable(`answers every node of any JSON: ${awk.name}`, awk.reason), async () => {
            const path = [aliases({ awk: awk.command })];
            await fc.assert(
                fc.property(document, fc.constantFrom(undefined, 2, "\t"), (json, indent) => {
                    const { output, status } = runIn(dash, `${inspectionScript}\njson_nodes`, {
                        input: JSON.stringify(json, null, indent),
                        path,
                    });
                    expect(status).toBe(0);
                    expect(output).toBe(
                        nodes(json)
                            .map((line) => `${line}\n`)
                            .join(""),
                    );
                }),
                { numRuns: 25 },
            );
        });

        (awk.reason ? it.skip : it)(skippable(`answers texts of any length: ${awk.name}`, awk.reason), () => {
            const path = [aliases({ awk: awk.command })];
            // A text is read in windows: each kind of character comes to stand at the end of one.
            const windows = Array.from({ length: 24 }, (_, index) => ({
                [`a${"b".repeat(495 + index)}`]: 'c\\"d\\\\\n/',
                e: [-1.5e3, true, { f: "g".repeat(1030 + index) }],
            }));
            for (const indent of [undefined, 2]) {
                const input = JSON.stringify(windows, null, indent);
                const { output, status } = runIn(dash, `${inspectionScript}\njson_nodes`, { input, path });
                expect(status).toBe(0);
                expect(output.trimEnd().split("\n")).toEqual(nodes(windows));
            }
        });

        (awk.reason ? it.skip : it)(skippable(`reads the config of many teams: ${awk.name}`, awk.reason), () => {
            const path = [aliases({ awk: awk.command })];
            const { zotConfig } = siteSettings({ access: { rules: teamRules(1000) } });
            const { output } = runIn(dash, `${inspectionScript}\njson_nodes_without http.accesscontrol.repositories`, {
                input: JSON.stringify(zotConfig(), null, 2),
                path,
            });
            expect(output.split("\n").length).toBeGreaterThan(30);
            expect(output).not.toContain("team-1/");
        });

        (awk.reason ? it.skip : it)(skippable(`refuses what is no JSON: ${awk.name}`, awk.reason), () => {
            const path = [aliases({ awk: awk.command })];
            for (const bad of [
                "",
                "{",
                '{"a":1,}',
                '{"a" 1}',
                '{"a":1} x',
                "{'a':1}",
                '{"a":[1 2]}',
                '{"a":"x',
                "# a comment\n{}",
                "a: 1\nb: 2\n",
                '{"a":nul}',
                '{"a":"x\ny"}',
            ]) {
                expect({
                    bad,
                    status: runIn(dash, `${inspectionScript}\njson_nodes >/dev/null`, { input: bad, path }).status,
                }).toEqual({ bad, status: 1 });
            }
        });
    }

    eachShell("finds the issuer, whatever the case of the keys", (shell) => {
        const file = join(scratchFolder(), "config.json");
        writeFileSync(
            file,
            '{"HTTP":{"Auth":{"OpenID":{"providers":{"oidc":{"Issuer":"https:\\/\\/a.example\\/application\\/o\\/zot\\/"}}}}}}',
        );
        expect(runIn(shell, `${inspectionScript}\nissuer_of ${quoted(file)}`).output).toBe(
            "https://a.example/application/o/zot/\n",
        );
    });
});
