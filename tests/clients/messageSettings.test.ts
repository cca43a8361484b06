/** Every setting that a message names exists. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as ts from "typescript";
import { allSettings } from "../../components/settings";

const ROOT = resolve(__dirname, "../..");
const FOLDERS = ["components", "clients", "cli", "providers", "host"];

const known = new Set(allSettings().map(({ group, key }) => `${group}.${key}`));
/** zot's own config has parts of the same names as two groups of settings: what it has in them. */
const ofZot = new Set(
    [
        ...["rootDirectory", "dedupe", "commit", "gc", "gcDelay", "gcInterval", "retention", "subPaths"],
        ...["storageDriver", "cacheDriver", "remoteCache"],
    ]
        .map((key) => `storage.${key}`)
        .concat("cluster.hashKey")
        .map((name) => name.toLowerCase()),
);
const groups = [...new Set(allSettings().map(({ group }) => group))];
/** `identity.ciUser`; what follows a slash, a dot or a dollar is a part of something else. */
const named = new RegExp(`(?<![\\w./$-])(?:${groups.join("|")})\\.[a-z][A-Za-z]+\\b(?![./(-])`, "g");

/** The texts in a source file: of TypeScript its literals, of a shell script its lines but for comments. */
function textsOf(file: string, source: string): string[] {
    if (!file.endsWith(".ts")) return source.split("\n").filter((line) => !/^\s*#/.test(line));
    const texts: string[] = [];
    const visit = (node: ts.Node): void => {
        if (ts.isStringLiteralLike(node) || ts.isTemplateTail(node)) texts.push(node.text);
        // What a value completes is no whole name.
        if (ts.isTemplateHead(node) || ts.isTemplateMiddle(node)) texts.push(node.text.replace(/[\w.]+$/, ""));
        node.forEachChild(visit);
    };
    visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest));
    return texts;
}

/** A text that is put together with the rest of a setting's name. */
const isBeginning = (text: string) => [...known].some((name) => name.startsWith(text));

const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => /\.(ts|sh)$/.test(file) && !file.endsWith(".d.ts"))
        .map((file) => join(folder, file)),
);

test("every setting that a message names is one", () => {
    const strangers = files.flatMap((file) =>
        textsOf(file, readFileSync(join(ROOT, file), "utf8")).flatMap((text) =>
            [...text.matchAll(named)]
                .map(([name]) => name)
                .filter((name) => !known.has(name) && !ofZot.has(name.toLowerCase()))
                .filter((name) => !(text === name && isBeginning(name)))
                .map((name) => `${file}: ${name}`),
        ),
    );
    expect(strangers).toEqual([]);
    expect(files.length).toBeGreaterThan(80);
});

test("every key that a message sets by pulumi config is one", () => {
    const strangers = files.flatMap((file) =>
        textsOf(file, readFileSync(join(ROOT, file), "utf8")).flatMap((text) =>
            [...text.matchAll(/pulumi config (?:set|rm)(?: --[a-z-]+)* ([A-Za-z]+[.:][A-Za-z]+)/g)]
                .map(([, name]) => name!)
                .filter((name) => !known.has(name) && !/^authentik:(url|token|insecure)$/.test(name))
                .map((name) => `${file}: ${name}`),
        ),
    );
    expect(strangers).toEqual([]);
});

test("no message sends a person to a property of a provider, which is not to be set", () => {
    const settings = new Set(allSettings().map(({ key }) => key));
    const properties = files
        .filter((file) => /^(clients|providers\/zot)\//.test(file))
        .flatMap((file) =>
            textsOf(file, readFileSync(join(ROOT, file), "utf8")).flatMap((text) =>
                [...text.matchAll(/\(([a-z]+[A-Z][A-Za-z]*)[,)]/g)]
                    .map(([, name]) => name!)
                    .filter((name) => !settings.has(name))
                    .map((name) => `${file}: ${name}`),
            ),
        );
    expect(properties).toEqual([]);
});
