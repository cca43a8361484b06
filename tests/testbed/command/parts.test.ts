import fc from "fast-check";
import { type PropertyMap, secret } from "../../../providers/protocol";
import { differences } from "../../../testbed/command/diff";
import { goQuote } from "../../../testbed/command/goQuote";
import { parseHostKey, parsePrivateKey } from "../../../testbed/command/keys";
import { LineLog } from "../../../testbed/command/lineLog";
import { generateKeyPair } from "../../../testbed/sshHost";

async function linesOf(chunks: Buffer[]): Promise<string[]> {
    const shown: string[] = [];
    const log = new LineLog(async (line) => void shown.push(line));
    for (const chunk of chunks) await log.write(chunk);
    await log.end();
    return shown;
}

describe("the log of lines", () => {
    test("does not depend on how the output comes in pieces", async () => {
        const text = fc
            .array(fc.constantFrom("a", "é", "😀", "\n", "\r\n", " "), { maxLength: 60 })
            .map((parts) => parts.join(""));
        await fc.assert(
            fc.asyncProperty(
                text,
                fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
                async (output, sizes) => {
                    const bytes = Buffer.from(output);
                    const chunks: Buffer[] = [];
                    for (let at = 0, turn = 0; at < bytes.length; turn++) {
                        const size = sizes[turn % sizes.length] as number;
                        chunks.push(bytes.subarray(at, at + size));
                        at += size;
                    }
                    const lines = output.split("\n");
                    if (lines[lines.length - 1] === "") lines.pop();
                    expect(await linesOf(chunks)).toEqual(lines.map((line) => line.replace(/\r$/, "")));
                },
            ),
        );
    });

    test("shows 65,535 bytes without a line break, drops 65,536, and takes nothing that follows those", async () => {
        expect((await linesOf([Buffer.alloc(65_535, "x")])).map((line) => line.length)).toEqual([65_535]);
        expect(await linesOf([Buffer.alloc(65_536, "x")])).toEqual([]);
        const log = new LineLog(async () => {});
        await log.write(Buffer.alloc(65_536, "x"));
        let taken = false;
        void log.write(Buffer.from("\n")).then(() => (taken = true));
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(taken).toBe(false);
    });

    test("many short lines in one piece are no long line", async () => {
        const output = "short line\n".repeat(20_000);
        expect(await linesOf([Buffer.from(output)])).toHaveLength(20_000);
    });
});

describe("Go's quotes", () => {
    test("keep what can be printed and write the rest as Go does", () => {
        expect(goQuote('a "b" \\ c\t\n\r\0\x1b\x7f é 世 😀 \u00a0\u200b\u{e0001}')).toBe(
            '"a \\"b\\" \\\\ c\\t\\n\\r\\x00\\x1b\\x7f é 世 😀 \\u00a0\\u200b\\U000e0001"',
        );
    });

    test("are JSON's for plain printable text", () => {
        fc.assert(
            fc.property(fc.string({ unit: fc.constantFrom(..."abcXYZ019 .,;:!?'\"\\/-_\n\t") }), (text) =>
                expect(goQuote(text)).toBe(JSON.stringify(text)),
            ),
        );
    });
});

describe("differences of inputs", () => {
    const json = fc
        .dictionary(fc.constantFrom("create", "stdin", "triggers", "environment"), fc.jsonValue({ maxDepth: 3 }))
        .map((value) => value as PropertyMap);

    test("none between equal inputs, however they are marked", () => {
        fc.assert(
            fc.property(json, (inputs) => {
                const marked = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, secret(value)]));
                expect(differences(inputs, inputs)).toEqual({});
                expect(differences(marked, marked)).toEqual({});
            }),
        );
    });

    test("none is ever a replacement but triggers' as a whole", () => {
        fc.assert(
            fc.property(json, json, (oldInputs, inputs) => {
                for (const [name, { kind }] of Object.entries(differences(oldInputs, inputs)))
                    expect(kind.endsWith("-replace")).toBe(name === "triggers");
            }),
        );
    });
});

describe("keys", () => {
    test.each(["ed25519", "ecdsa", "rsa"] as const)("a pair of type %s is read back", (type) => {
        const pair = generateKeyPair(type, "somebody");
        const [name, base64] = pair.publicKey.split(" ") as [string, string];
        const hostKey = parseHostKey(pair.publicKey);
        expect([hostKey.type, hostKey.blob.toString("base64")]).toEqual([name, base64]);
        expect(parsePrivateKey(pair.privateKeyPem, undefined).getPublicSSH().toString("base64")).toBe(base64);
    });

    test("an error never shows what was given", () => {
        for (const given of [
            "hunter2",
            "-----BEGIN RSA PRIVATE KEY-----\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----",
        ]) {
            expect(() => parsePrivateKey(given, undefined)).toThrow(
                expect.objectContaining({ message: expect.not.stringMatching(/hunter2|aHVudGVyMg/) }),
            );
        }
    });
});
