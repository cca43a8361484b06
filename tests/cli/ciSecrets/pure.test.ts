import fc from "fast-check";
import { dotenv, json } from "../../../cli/ciSecrets/fileStore";
import { credentialFrom, expiryWarning } from "../../../cli/ciSecrets/outputs";
import { previousKeys } from "../../../cli/ciSecrets/previousKeys";
import { saidByForge } from "../../../cli/ciSecrets/store";
import { type TargetOptions, targetFrom } from "../../../cli/ciSecrets/target";
import { hide } from "../../../cli/shared/masked";
import type { ApiKeyRecord } from "../../../clients/zot/apiKeys";

const now = new Date("2026-06-01T00:00:00Z");
const KEY = "zak_0123456789abcdef0123456789abcdef";
const outputs = {
    registryUrl: "https://registry.example.org",
    registryHost: "registry.example.org",
    ciUserName: "zot-ci",
    ciApiKey: KEY,
    ciApiKeyExpires: "2026-08-30T00:00:00Z",
};
const forge = { store: "forgejo", apiUrl: "https://forge.example.org/", owner: "ops", repository: "images" };

describe("where to", () => {
    test("settings, defaults, and options before settings", () => {
        expect(targetFrom({}, forge)).toEqual({
            store: "forgejo",
            apiUrl: "https://forge.example.org",
            owner: "ops",
            repository: "images",
            visibility: "private",
            names: { ciApiKey: "ZOT_CI_API_KEY" },
        });
        expect(targetFrom({ apiUrl: "https://forge.example.org/git/api/v1/" }, forge)).toMatchObject({
            apiUrl: "https://forge.example.org/git",
        });
        expect(targetFrom({}, { store: "github", owner: "ops" })).toMatchObject({
            apiUrl: "https://api.github.com",
            repository: undefined,
        });
        expect(targetFrom({ store: "dotenv", file: "ci.env" }, forge)).toEqual({
            store: "dotenv",
            file: "ci.env",
            names: { ciApiKey: "ZOT_CI_API_KEY" },
        });
        expect(targetFrom({ names: { ciApiKey: "KEY", registryHost: "HOST" } }, forge).names).toEqual({
            ciApiKey: "KEY",
            registryHost: "HOST",
        });
    });

    test("another owner on the command line does not have the repository of the settings", () => {
        expect(targetFrom({ owner: "others" }, forge)).toMatchObject({ owner: "others", repository: undefined });
        expect(targetFrom({ owner: "others", repository: "x" }, forge)).toMatchObject({
            owner: "others",
            repository: "x",
        });
    });

    test.each<[TargetOptions, RegExp]>([
        [{ store: "vault" }, /the store "vault" is not one of forgejo, gitea, github, dotenv, json/],
        [{ apiUrl: "http://forge.example.org" }, /over plain http, the token and the key could be read/],
        [{ apiUrl: "https://me:secret@forge.example.org" }, /it holds a user name or a password/],
        [{ apiUrl: "forge.example.org" }, /it does not begin with https/],
        [{ owner: "ops/images" }, /is not the name of a user or an organisation/],
        [{ repository: "../../admin" }, /is not a repository's name/],
        [{ repository: ".." }, /is not a repository's name/],
        [{ names: {} }, /not a map from stack outputs to names/],
        [{ names: { zotConfig: "X" } }, /"zotConfig" is not an output that can be handed over/],
        [{ names: { ciApiKey: "zot-key" } }, /is not one of capitals/],
        [{ names: { ciApiKey: "GITHUB_KEY" } }, /forges keep for themselves/],
        [{ names: { ciApiKey: "KEY", ciUserName: "KEY" } }, /the name KEY is given twice/],
        [{ visibility: "public" }, /the visibility "public" is not one of private, all/],
    ])("refuses %j", (options, message) => {
        expect(() => targetFrom(options, forge)).toThrow(message);
    });

    test("says all mistakes at once, and shows no password of an address", () => {
        const refused = () => targetFrom({}, { store: "gitea", apiUrl: "https://me:hunter2@forge.example.org" });
        expect(refused).toThrow(/user name or a password[\s\S]*there is no owner/);
        expect(refused).not.toThrow(/hunter2/);
        expect(() => targetFrom({}, {})).toThrow(/there is no store[\s\S]*no address[\s\S]*no owner/);
    });
});

describe("the stack's outputs", () => {
    const read = (changed: Record<string, unknown>, names = { ciApiKey: "K" } as Record<string, string>) =>
        credentialFrom(JSON.stringify({ ...outputs, ...changed }), names, now);

    test("the key comes first, and only the key is a secret", () => {
        expect(read({}, { registryHost: "R", ciApiKeyExpires: "E", ciApiKey: "K" }).items).toEqual([
            { output: "ciApiKey", name: "K", value: KEY, secret: true },
            { output: "registryHost", name: "R", value: "registry.example.org", secret: false },
            { output: "ciApiKeyExpires", name: "E", value: "2026-08-30T00:00:00Z", secret: false },
        ]);
    });

    test.each([
        [{ ciApiKey: undefined }, /no output ciApiKey: run pulumi up/],
        [{ ciApiKey: "[secret]" }, /without their secrets; add --show-secrets/],
        [{ ciApiKey: "zak_1\nzak_2" }, /spaces, line breaks/],
        [{ ciApiKeyExpires: "soon" }, /not a time: "soon"/],
        [
            { ciApiKeyExpires: "2026-06-01T00:00:00Z" },
            /expired at 2026-06-01T00:00:00Z and was not handed over: run pulumi up/,
        ],
    ])("refuses %j", (changed, message) => {
        expect(() => read(changed)).toThrow(message);
        expect(() => read(changed)).not.toThrow(/zak_/);
    });

    test("those of a further identity of CI are its own, and what all share is the stack's", () => {
        const text = JSON.stringify({
            ...outputs,
            workloads: {
                charts: { ciUserName: "zot-charts", ciApiKeyExpires: "2026-09-30T00:00:00Z", ciApiKeyUuid: "u" },
            },
            workloadApiKeys: { charts: "zak_charts" },
        });
        const names = { ciApiKey: "KEY", ciUserName: "USER", registryHost: "HOST" };
        expect(credentialFrom(text, names, now, "charts")).toMatchObject({
            userName: "zot-charts",
            key: "zak_charts",
            expires: "2026-09-30T00:00:00Z",
            uuid: "u",
            items: [
                { name: "KEY", value: "zak_charts", secret: true },
                { name: "USER", value: "zot-charts", secret: false },
                { name: "HOST", value: "registry.example.org", secret: false },
            ],
        });
        expect(credentialFrom(text, names, now)).toMatchObject({ userName: "zot-ci", key: KEY });
        expect(() => credentialFrom(text, names, now, "base")).toThrow("has no output workloadApiKeys.base");
        const hidden = JSON.stringify({ ...outputs, workloads: {}, workloadApiKeys: "[secret]" });
        expect(() => credentialFrom(hidden, names, now, "charts")).toThrow("add --show-secrets");
    });

    test("names what is missing", () =>
        expect(() => read({ registryHost: undefined }, { registryHost: "R" })).toThrow(
            /no output registryHost, which is to be handed over as R/,
        ));
    test.each(["", "[]", "secret text", "null"])("refuses what is not a JSON object: %j", (text) => {
        expect(() => credentialFrom(text, { ciApiKey: "K" }, now)).toThrow(/not (JSON|a JSON object)/);
        expect(() => credentialFrom(text, { ciApiKey: "K" }, now)).not.toThrow(/secret text/);
    });

    test("a key that ends within two weeks is warned of", () => {
        expect(expiryWarning("2026-06-16T00:00:00Z", now)).toBeUndefined();
        expect(expiryWarning("2026-06-14T12:00:00Z", now)).toMatch(/in 13 days/);
        expect(expiryWarning("2026-06-02T01:00:00Z", now)).toMatch(/in 1 day;/);
        expect(expiryWarning("2026-06-01T01:00:00Z", now)).toMatch(/less than a day/);
        expect(expiryWarning(undefined, now)).toBeUndefined();
    });
});

describe("files", () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,9}$/);
    const value = fc.stringMatching(/^[ -&(-~]{0,30}$/);

    test("what is written is read again, and all else stays", () => {
        fc.assert(
            fc.property(fc.dictionary(name, value), fc.dictionary(name, value, { minKeys: 1 }), (before, values) => {
                for (const format of [dotenv, json]) {
                    const first =
                        Object.keys(before).length === 0 ? "" : format.write("", new Map(Object.entries(before)));
                    const second = format.write(first, new Map(Object.entries(values)));
                    // Spaces at the ends are quoted.
                    expect(Object.fromEntries(format.read(second))).toEqual({ ...before, ...values });
                    expect(format.write(second, new Map(Object.entries(values)))).toBe(second);
                }
            }),
        );
    });

    test("comments, other lines and export stay; a name that was there twice is there once", () => {
        const before = "# CI\nexport KEY=old\nOTHER='a b'\n\nKEY=older\n";
        expect(dotenv.write(before, new Map([["KEY", "new"]]))).toBe("# CI\nexport KEY=new\nOTHER='a b'\n\n");
    });

    test("other kinds of JSON members stay, and what is not JSON is not repeated", () => {
        expect(JSON.parse(json.write('{"list":[1],"KEY":"old"}', new Map([["KEY", "new"]])))).toEqual({
            list: [1],
            KEY: "new",
        });
        expect(() => json.read("KEY=secret")).toThrow(/^it is not JSON\.$/);
        expect(() => json.read("[]")).toThrow(/does not contain a JSON object/);
    });
});

describe("the keys before the present one", () => {
    const key = (uuid: string, expirationDate: string, label = "ci pulumi:zot/prod/registry"): ApiKeyRecord => ({
        uuid,
        label,
        expirationDate,
        createdAt: "",
        isExpired: false,
        lastUsed: "",
    });
    const live = key("live", "2026-08-30T00:00:00Z");

    test("by its uuid, or by its expiry", () => {
        const before = key("before", "2026-08-30T00:00:00Z");
        const byHand = key("byHand", "0001-01-01T00:00:00Z", "my laptop");
        expect(previousKeys([before, live, byHand], { uuid: "live", expires: live.expirationDate })).toEqual({
            previous: [before, byHand],
            ofOthers: [],
        });
        expect(previousKeys([live, byHand], { uuid: undefined, expires: "2026-08-30T00:00:00.000Z" })).toEqual({
            previous: [byHand],
            ofOthers: [],
        });
    });

    test("where the present one is not clear, none is revoked", () => {
        const twin = key("twin", live.expirationDate);
        expect(() => previousKeys([live, twin], { uuid: undefined, expires: live.expirationDate })).toThrow(
            /2 of the user's 2 keys .* by its expiry. Nothing was revoked/,
        );
        expect(() => previousKeys([live], { uuid: "gone", expires: live.expirationDate })).toThrow(
            /None of the user's 1 keys .* by its uuid/,
        );
        expect(() => previousKeys([live], { uuid: undefined, expires: undefined })).toThrow(/Nothing was revoked/);
    });

    test("another stack's key stays", () => {
        const theirs = key("theirs", "2026-07-01T00:00:00Z", "ci pulumi:zot/staging/registry");
        expect(previousKeys([live, theirs], { uuid: "live", expires: undefined })).toEqual({
            previous: [],
            ofOthers: [theirs],
        });
    });
});

test("what a forge says is one short line without what it was sent, and costs nothing where it is large", () => {
    hide(KEY);
    expect(saidByForge(`no\u001b[2J\nrights\u202e ${KEY}`)).toBe("no [2J rights [hidden]");
    const began = Date.now();
    expect(saidByForge(`${KEY.slice(0, 20)} ${"x".repeat(16_000_000)}`)).toMatch(/^\[hidden\] x{1,200} …$/);
    expect(Date.now() - began).toBeLessThan(2_000);
});
