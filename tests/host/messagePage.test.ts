/** docs/messages.md against the script: each code of a message, once in either, and the same sentence at it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const scripts = readdirSync(join(root, "host"))
    .filter((name) => name.endsWith(".sh"))
    .map((name) => `host/${name}`);
const sources = [
    ...scripts,
    "providers/zot/hostObservation.sh",
    "components/hostPayload.ts",
    "components/deploymentAnswer.ts",
].map((path) => ({ path, text: read(path) }));
const page = read("docs/messages.md");

const CODE = /\[(ZH-[A-Z0-9-]+)\]/g;
const found = sources.flatMap(({ path, text }) =>
    [...text.matchAll(CODE)].map((match) => ({ code: match[1]!, path, before: text.slice(0, match.index) })),
);
const described = [...page.matchAll(/^### (ZH-[A-Z0-9-]+)\n\n((?:> .*\n)+)\n(?!#)(.+)$/gm)].map(
    ([, code, sentence, meaning]) => ({
        code: code!,
        sentence: sentence!.replace(/^> /gm, "").replaceAll("\n", " ").replaceAll("\\*", "*").trim(),
        meaning: meaning!,
    }),
);

test("there are many of them", () => expect(found.length).toBeGreaterThan(120));

test("no code stands twice, in the script or on the page", () => {
    for (const codes of [found, described]) {
        const names = codes.map(({ code }) => code);
        expect(names.filter((code, index) => names.indexOf(code) !== index)).toEqual([]);
    }
});

test("the page has every code of the script, and no other", () => {
    expect(described.map(({ code }) => code).sort()).toEqual(found.map(({ code }) => code).sort());
});

test("every heading of the page that is a code has its sentence and its meaning", () => {
    expect([...page.matchAll(/^### /gm)]).toHaveLength(described.length);
});

test("the sentence on the page is the one in the script: whoever searches for what was printed finds it whole", () => {
    const others = described.filter(({ code, sentence }) => {
        const before =
            found
                .find((one) => one.code === code)
                ?.before.slice(-1200)
                .replaceAll('\\"', '"') ?? "";
        const parts = sentence.split(/`[^`]*`/).filter((part) => part.trim() !== "");
        let at = before.lastIndexOf(parts[0]!);
        for (const part of parts) {
            if (at < 0) return true;
            at = before.indexOf(part, at);
            at = at < 0 ? at : at + part.length;
        }
        // Nothing of it is left before the code.
        return at < 0 || /[a-z]{3}/.test(before.slice(at).replace(/\$\w+|\$\([^)]*\)|\$\{[^}]*\}/g, ""));
    });
    expect(others).toEqual([]);
});

test("the sentence on the page begins where the one in the script does, and what the host fills in has a name", () => {
    const others = described.filter(({ code, sentence }) => {
        const before = found.find((one) => one.code === code)!.before.slice(-1200);
        const start = before.lastIndexOf(
            sentence
                .split(/`[^`]*`/)
                .find((part) => /\w/.test(part))!
                .replaceAll('"', '\\"'),
        );
        // A sentence begins at a quotation mark, or after the code of the one before it.
        const ahead = before
            .slice(0, start)
            .replace(/\$\([^)]*\)|\$\{[^}]*\}|\$\w+/g, "")
            .split(/["'`=\]]|zot-hardening: |:-/)
            .at(-1)!;
        return start < 0 || /\w/.test(ahead) || sentence.includes("`first`");
    });
    expect(others).toEqual([]);
});

test("what fails or warns has a code, or passes on a sentence that has one", () => {
    const PASSED_ON = /^(?:zot-hardening: )?\$(?:\w+|\*|\(because )/;
    const without = scripts
        .concat("providers/zot/hostObservation.sh")
        .flatMap((path) =>
            [...read(path).matchAll(/^(?!\s*#).*?\b(?:fail|warn|require|refuse|long_fact mistake) "(.*)$/gm)].map(
                ([, message]) => message!,
            ),
        )
        .filter((message) => !/\[ZH-/.test(message) && !PASSED_ON.test(message));
    expect(without).toEqual([]);
});
