/** The one rule for addresses, and that nobody has another. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import {
    type AddressRule,
    addressMistake,
    addressOf,
    noPath,
    shownAddress,
    slashAtMost,
} from "../../../clients/http/address";
import { UserError } from "../../../clients/userError";

const SECRET = "hunter2";
const parts = fc.record({
    scheme: fc.constantFrom("https", "http", "HTTPS"),
    userinfo: fc.constantFrom("", "", "", `ci:${SECRET}@`, `${SECRET}@`, "@"),
    host: fc.constantFrom("localhost", "127.0.0.1", "127.9.8.7", "[::1]", "zot.example.org", "Zot.example.org"),
    port: fc.constantFrom("", "", ":8080"),
    path: fc.constantFrom("", "/", "/a", "/a/", "/a//b/"),
    rest: fc.constantFrom("", "", "", "?", `?token=${SECRET}`, "#there"),
});
const rules: fc.Arbitrary<AddressRule> = fc.record({
    carries: fc.constantFrom("keys", undefined),
    path: fc.constantFrom(undefined, noPath, slashAtMost),
    isComparedAsWritten: fc.boolean(),
    mayLogIn: fc.boolean(),
});

test("an address is taken if none of its parts is against the rule, and what is said names one that is", () => {
    fc.assert(
        fc.property(parts, rules, ({ scheme, userinfo, host, port, path: written, rest }, rule) => {
            const isLocal = /^(localhost|127\.|\[::1])/.test(host);
            const against = [
                userinfo && !rule.mayLogIn && "it holds a user name or a password",
                scheme === "http" && !isLocal && rule.carries && "over plain http, keys could be read on the way",
                rest && "it has a query or a fragment",
                rule.isComparedAsWritten &&
                    (scheme === "HTTPS" || host.startsWith("Z") || userinfo) &&
                    `a browser would write it as ${new URL(`${scheme}://${host}${port}`).origin}${written}`,
                rule.path && written === "/" && rule.path !== slashAtMost && "it ends in a slash",
                rule.path && written.length > 1 && "it has a path",
            ].filter((mistake) => typeof mistake === "string" && mistake !== "");
            expect(addressMistake(`${scheme}://${userinfo}${host}${port}${written}${rest}`, rule)).toBe(against[0]);
        }),
        { numRuns: 2000 },
    );
});

const NOT = "it is not a URL";
const NO_SCHEME = "it does not begin with https:// or http://";
const BLANK = "it contains a blank or a line break";
test.each<[value: unknown, because: string]>([
    [undefined, NOT],
    [null, NOT],
    [7, NOT],
    ["", NOT],
    ["zot.example.org", NO_SCHEME],
    ["https:zot.example.org", NO_SCHEME],
    ["https://", NOT],
    ["https:///path", NOT],
    ["ftp://zot.example.org", NO_SCHEME],
    ["file:///etc/passwd", NO_SCHEME],
    [" https://zot.example.org", BLANK],
    ["https://zot.example.org\n", BLANK],
    ["https://zot.example\t.org", BLANK],
    ["https://zot.example.org:port", NOT],
    ["https://[::1", NOT],
])("%j is not a URL, whatever may be one", (value, because) => {
    expect(addressMistake(value, { carries: undefined, mayLogIn: true })).toBe(because);
});

test("this machine is told by its whole name", () => {
    for (const host of ["localhost.example.org", "127.0.0.1.example.org", "localhost2", "[::2]", "128.0.0.1"])
        expect(addressMistake(`http://${host}`, { carries: "keys" })).toMatch(/over plain http/);
});

test("what is shown of a refused address holds none of its secrets, and what was written otherwise", () => {
    fc.assert(
        fc.property(parts, ({ scheme, userinfo, host, port, path: written, rest }) => {
            const value = `${scheme}://${userinfo}${host}${port}${written}${rest}`;
            expect(shownAddress(value)).not.toContain(SECRET);
            expect(shownAddress(value)).toContain(host);
        }),
    );
    expect(shownAddress("https://zot.example.org/a")).toBe('"https://zot.example.org/a"');
    expect(shownAddress("ci:hunter2@zot.example.org")).not.toContain(SECRET);
});

test("an address comes without slashes at its end, or a sentence of what to do instead", () => {
    const rule = { carries: "the token" };
    expect(addressOf("https://Auth.example.org/below//", "Authentik's address", rule, "")).toBe(
        "https://auth.example.org/below",
    );
    const refused = () => addressOf("http://auth.example.org", "Authentik's address", rule, "Give its https address.");
    expect(refused).toThrow(UserError);
    expect(refused).toThrow(
        'Authentik\'s address "http://auth.example.org" cannot be used: ' +
            "over plain http, the token could be read on the way. Give its https address.",
    );
});

test("nobody else of the product decides what a URL is", () => {
    const root = path.resolve(__dirname, "../../..");
    const files = execFileSync("git", ["ls-files", "--", "index.ts", "cli", "clients", "components", "providers"], {
        cwd: root,
        encoding: "utf8",
    });
    const others = files
        .split("\n")
        .filter((file) => file.endsWith(".ts") && file !== "clients/http/address.ts")
        .filter((file) =>
            /canParse|\^https\?:(\$|\\\/\\\/\/)|!isLoopback\(/.test(fs.readFileSync(path.join(root, file), "utf8")),
        );
    expect(others).toEqual([]);
});
