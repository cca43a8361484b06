/** What is made of what a look has printed: without a host. */

import { createHash } from "node:crypto";
import fc from "fast-check";
import { firstDeployment } from "../../../providers/zot/firstDeployment";
import { compare, reportOutput } from "../../../providers/zot/hostDrift";
import { modeOf } from "../../../providers/zot/hostFiles";
import { HostRefusal, readReport } from "../../../providers/zot/hostReport";
import { holesIn } from "../../../testbed/faults/claims";

const HASH = "a".repeat(64);
const SECRET_FILE = `/etc/zot/oidc-credentials.${HASH}.json`;
const CONFIG = '{\n  "http": {\n    "port": "5000"\n  }\n}\n';
const NAMES = { host: "registry.example.org", binary: "/usr/local/bin/zot" };
const LAST = { config: CONFIG, secretFiles: [SECRET_FILE] };

const printed = (facts: Record<string, string> = {}, config: string | undefined = CONFIG) => {
    const lines = {
        user: "0",
        zotUser: "105",
        config: "-rw-r--r-- 0",
        secret: `-rw------- 105 ${HASH} ${SECRET_FILE}`,
        zotVersion: "v2.1.20-0-g3b5796d",
        zotBinary: "12 -rwxr-xr-x 1 0 0 99 Nov 1 10:00 /usr/local/bin/zot",
        versionProblem: "",
        service: "running",
        deploying: "",
        unended: "",
        url: "http://127.0.0.1:5000",
        serving: "hardened",
        configSize: String(config.length),
        ...facts,
    };
    return Buffer.from(
        `Welcome to registry\nzot-hardening-observation\n${Object.entries(lines)
            .map(([name, value]) => `${name}=${value}\n`)
            .join("")}--\n${config}`,
    );
};
const report = (facts?: Record<string, string>, config?: string) =>
    readReport(printed(facts, config), "/etc/zot/config.json")!;
const found = (facts?: Record<string, string>, config?: string) => compare(report(facts, config), LAST, LAST, NAMES);

test("a host in order", () => {
    expect(found()).toEqual({ drift: [], difference: undefined, notes: [] });
    expect(reportOutput(report())).toEqual({
        configSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        configMode: "0644",
        configOwner: "0",
        secretFiles: "as declared",
        zotVersion: "v2.1.20-0-g3b5796d",
        zotBinary: "12 -rwxr-xr-x 1 0 0 99 Nov 1 10:00 /usr/local/bin/zot",
        service: "running",
        serving: "hardened",
    });
});

describe("logins that are not declared", () => {
    const issuer = "https://authentik.example.org/application/o/zot/";
    const config = (auth: object) => JSON.stringify({ http: { auth } });
    const oidc = { issuer, claimMapping: { username: "preferred_username" } };
    const declared = { config: config({ openid: { providers: { oidc } } }), secretFiles: [] };
    const notesOn = (text: string, last: typeof declared | undefined) =>
        compare(report({}, text), last, declared, NAMES).notes.filter((note) =>
            /logins|accounts of former logins/.test(note),
        );

    test("are told before the first deployment, with the accounts that they leave", () => {
        const there = config({ htpasswd: { path: "/etc/zot/htpasswd" }, openid: { providers: { oidc: { issuer } } } });
        expect(notesOn(there, undefined)).toEqual([
            "/etc/zot/config.json on registry.example.org has logins that are not declared; " +
                "the next deployment ends them: http.auth.htpasswd (whoever has a name and a password in " +
                "/etc/zot/htpasswd).",
            expect.stringMatching(
                /^zot on registry\.example\.org still knows accounts of former logins, .*: those whose name is an e-mail address.*; those of whoever has a name and a password.*npm run keys lists them/,
            ),
        ]);
    });

    test("are told where somebody has added one since, and not where there is none", () => {
        expect(notesOn(config({ openid: { providers: { oidc, github: { clientid: "x" } } } }), declared)).toHaveLength(
            2,
        );
        expect(notesOn(declared.config, declared)).toEqual([]);
        expect(notesOn(config({ openid: { providers: { oidc } }, failDelay: 3 }), declared)).toEqual([]);
        expect(notesOn("{ no JSON", declared)).toEqual([]);
    });
});

test.each<[string, Record<string, string>, string]>([
    [
        "another owner of the config",
        { config: "-rw-r--r-- 1000" },
        "/etc/zot/config.json belongs to user 1000 instead of 0",
    ],
    [
        "another mode and owner of a secret file",
        { secret: `-rw-r----- 0 ${HASH} ${SECRET_FILE}` },
        `${SECRET_FILE} has mode 0640 instead of 0600; ${SECRET_FILE} belongs to user 0 instead of 105`,
    ],
    [
        "a secret file that nobody may read",
        { secret: `-rw------- 105 unreadable ${SECRET_FILE}` },
        `${SECRET_FILE} is not readable for the user who deploys`,
    ],
    ["a missing secret file", { secret: `unreadable ${SECRET_FILE}` }, `${SECRET_FILE} is missing`],
    ["a host without a tool for sha256", { secret: `-rw------- 105 unknown ${SECRET_FILE}` }, ""],
    [
        "a changed service file",
        { serviceFile: "/etc/systemd/system/zot.service", serviceFileState: "other" },
        "the service file /etc/systemd/system/zot.service has other content",
    ],
    [
        "a unit of ours that was disabled",
        {
            disabled:
                "zot.service is disabled, so zot does not start when the host restarts; run on the host: " +
                "systemctl enable zot.service [ZH-START-DISABLED]",
        },
        "zot.service is disabled, so zot does not start when the host restarts [ZH-START-DISABLED]",
    ],
    ["a missing start", { start: "no" }, "the start of zot beside /etc/zot/config.json is missing"],
    [
        "a zot that is silent",
        {
            serving: "not reachable",
            silence: "curl: (60) SSL certificate problem: certificate has expired. [ZH-READYZ-CERTIFICATE]",
        },
        "zot does not answer at http://127.0.0.1:5000: curl: (60) SSL certificate problem: " +
            "certificate has expired [ZH-READYZ-CERTIFICATE]",
    ],
    ["read-only, of its own accord", { serving: "read-only" }, "zot serves a read-only config"],
    [
        "read-only, since the issuer is away",
        { serving: "read-only", start: "yes", startSays: "read-only since 2026-11-23T09:00:00Z: no answer" },
        "",
    ],
])("%s", (_what, facts, sentence) => {
    expect(found(facts).drift.join("; ")).toBe(sentence);
});

test.each<[string, Record<string, string>, RegExp]>([
    [
        "an old zot",
        { versionProblem: "/usr/local/bin/zot is version v2.1.10-0-gabc. [ZH-VERSION-OLD]" },
        /^On registry\.example\.org \/usr\/local\/bin\/zot is version v2\.1\.10-0-gabc\. \[ZH-VERSION-OLD\] Only from 2\.1\.19 on are tags immutable/,
    ],
    [
        "a zot whose binary is gone, which is not told to be old",
        { versionProblem: "/usr/local/bin/zot is not there or cannot be run. [ZH-OBSERVE-BINARY]" },
        /^On registry\.example\.org \/usr\/local\/bin\/zot is not there or cannot be run\. \[ZH-OBSERVE-BINARY\] A deployment needs it, and zot could not start again: put it back, or correct zot\.binary\.$/,
    ],
    [
        "a zot that was not restarted after it was replaced",
        { runningCommit: "v2.1.19-0-gabc" },
        /zot v2\.1\.19-0-gabc is running, but \/usr\/local\/bin\/zot is v2\.1\.20/,
    ],
    [
        "read-only, since the issuer is away",
        { serving: "read-only", start: "yes", startSays: "read-only since 2026-11-23T09:00:00Z: no answer" },
        /serves read-only since 2026-11-23T09:00:00Z: no answer\. Anyone may pull, .* switches over by itself/,
    ],
    [
        "a unit of the site's that does not start with the host",
        {
            notStartedWithHost:
                "zot.service is disabled; run on the host: systemctl enable zot.service [ZH-START-DISABLED]",
        },
        /^On registry\.example\.org zot\.service is disabled; run on the host: systemctl enable zot\.service \[ZH-START-DISABLED\]$/,
    ],
    [
        "a start that the service does not use",
        { start: "yes", startSays: "", startUsed: "no" },
        /^zot on registry\.example\.org is not started by \/etc\/zot\/config\.json\.zot-hardening\/start, and could not start while its issuer is away\. Let its service run: \/bin\/sh \/etc\/zot\/config\.json\.zot-hardening\/start$/,
    ],
])("told, and nothing that a deployment would mend: %s", (_what, facts, sentence) => {
    expect(found(facts)).toMatchObject({ drift: [], notes: [expect.stringMatching(sentence)] });
});

test("a start that cannot write what it says, or of which nothing can be told, is no news", () => {
    for (const startUsed of ["yes", ""])
        expect(found({ serving: "hardened", start: "yes", startSays: "", startUsed })).toMatchObject({
            drift: [],
            notes: [],
        });
});

test("what the start has said of an earlier start is no news", () => {
    expect(
        found({ serving: "hardened", start: "yes", startSays: "read-only since 2026-11-23T09:00:00Z: no answer" }),
    ).toMatchObject({ drift: [], notes: [] });
});

test("output that is not whole is none, and a refusal is one", () => {
    expect(readReport(Buffer.from("This account is currently not available.\n"), "/c")).toBeUndefined();
    expect(readReport(printed().subarray(0, 120), "/c")).toBeUndefined();
    expect(readReport(printed().subarray(0, printed().length - 1), "/c")).toBeUndefined();
    expect(() => readReport(Buffer.from("zot-hardening-observation\nrefused=curl is not installed\n"), "/c")).toThrow(
        HostRefusal,
    );
});

test("a config that looks like the output of a look is only a config", () => {
    const strange = "zot-hardening-observation\nrefused=nothing\n--\nserving=other\n";
    expect(report({}, strange).configText).toBe(strange);
    expect(found({}, strange).difference).toContain("+serving=other");
});

describe("what was never deployed is no drift", () => {
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
    const OTHER_FILE = SECRET_FILE.replace(HASH, "b".repeat(64));
    const FORMER = CONFIG.replace("5000", "5001").replace("}\n}", `},\n  "former": "${SECRET_FILE}"\n}`);
    const look = (
        facts: Record<string, string>,
        text: string,
        circumstances = {},
        now: typeof LAST | undefined = LAST,
        kept = "",
    ) => {
        const made = printed({ configSize: String(Buffer.byteLength(text)), ...facts }, text);
        return compare(
            readReport(Buffer.concat([made, Buffer.from(kept)]), "/etc/zot/config.json")!,
            { ...LAST, secretFiles: [OTHER_FILE] },
            now,
            NAMES,
            circumstances,
        );
    };

    test("a deployment that failed: the host has the one before, with its files", () => {
        const facts = {
            deployed: sha256(FORMER),
            lastDeployed: "no",
            secret: `unreadable ${OTHER_FILE}\nsecret=-rw------- 105 ${HASH} ${SECRET_FILE}`,
        };
        expect(look(facts, FORMER)).toEqual({ drift: [], difference: undefined, notes: [] });
        // A service file and a start that it would have brought are not to be there.
        expect(look({ ...facts, serviceFileState: "missing", start: "no" }, FORMER).drift).toEqual([]);
        // But what is wrong with the one before is.
        expect(look({ ...facts, config: "-rw------- 0" }, FORMER).drift).toEqual([
            "/etc/zot/config.json has mode 0600 instead of 0644",
        ]);
        expect(
            look({ ...facts, secret: `unreadable ${OTHER_FILE}\nsecret=unreadable ${SECRET_FILE}` }, FORMER).drift,
        ).toEqual([`${SECRET_FILE} is missing`]);
        expect(look({ ...facts, serving: "not reachable" }, FORMER).drift).toEqual([
            "zot does not answer at http://127.0.0.1:5000",
        ]);
    });

    test("one that never came to the host is sent again, without a difference that nobody made", () => {
        const facts = {
            deployed: sha256(FORMER),
            lastDeployed: "no",
            lastTried: "no",
            secret: `unreadable ${OTHER_FILE}\nsecret=-rw------- 105 ${HASH} ${SECRET_FILE}`,
        };
        expect(look(facts, FORMER)).toEqual({
            drift: ["the last declared deployment has not been run there"],
            difference: undefined,
            notes: [],
        });
        expect(look({ ...facts, lastTried: "yes" }, FORMER).drift).toEqual([]);
    });

    test("edited after it: the difference is from what was deployed", () => {
        const edited = FORMER.replace("5001", "5002");
        const { drift, difference } = look(
            { deployed: sha256(FORMER), lastDeployed: "no", deployedSize: String(FORMER.length) },
            edited,
            {},
            LAST,
            FORMER,
        );
        expect(drift).toEqual(["/etc/zot/config.json has other settings"]);
        expect(difference).toMatch(/- {4}"port": "5001"[\s\S]*\+ {4}"port": "5002"/);
    });

    test("a first one that failed: the host has what was there when it was first looked at", () => {
        expect(look({ config: "-rw-r----- 105" }, FORMER, { foundSha256: sha256(FORMER) })).toEqual({
            drift: [],
            difference: undefined,
            notes: [],
        });
        expect(look({}, FORMER, { foundSha256: sha256("another") }).drift).toEqual([
            "/etc/zot/config.json has other settings",
        ]);
        expect(look({}, FORMER).drift).toEqual(["/etc/zot/config.json has other settings"]);
    });

    test("a host that another deployment has changed since differs", () => {
        expect(look({ deployed: sha256(FORMER), lastDeployed: "yes" }, FORMER).drift).toEqual([
            "/etc/zot/config.json has other settings",
        ]);
    });

    test("the file of a service whose settings change is not to be there yet", () => {
        expect(
            look({ serviceFileState: "missing", start: "no" }, CONFIG, { serviceChanges: true }, LAST).drift,
        ).toEqual([]);
        expect(look({ serviceFileState: "missing" }, CONFIG, {}, LAST).drift).toHaveLength(1);
    });
});

test("no sentence has a hole, whatever is empty", () => {
    const facts = fc.record({
        zotUser: fc.constantFrom("", "105"),
        user: fc.constantFrom("", "0"),
        config: fc.constantFrom("", "-rw-r--r-- 0", "-rw-r----- 1000", "lrwxrwxrwx 0", "drwxr-xr-x 0"),
        secret: fc.constantFrom(
            "",
            `unreadable ${SECRET_FILE}`,
            `-rw-r----- 0 unknown ${SECRET_FILE}`,
            `-rw------- 105 ${"b".repeat(64)} ${SECRET_FILE}`,
        ),
        zotVersion: fc.constantFrom("", "v2.1.20"),
        versionProblem: fc.constantFrom("", "/usr/local/bin/zot is not there or cannot be run. [ZH-OBSERVE-BINARY]"),
        runningCommit: fc.constantFrom("", "v2.1.19"),
        service: fc.constantFrom("", "stopped", "running"),
        unended: fc.constantFrom("", "3"),
        start: fc.constantFrom("", "yes", "no"),
        startSays: fc.constantFrom("", "read-only", "read-only since 2026-11-23T09:00:00Z: no answer"),
        // Its state is told with its path only.
        serviceFile: fc.constant("/etc/systemd/system/zot.service"),
        serviceFileState: fc.constantFrom("", "missing", "other", "same"),
        url: fc.constantFrom("", "http://127.0.0.1:5000"),
        serving: fc.constantFrom("hardened", "read-only", "other", "not reachable", "unknown"),
        servingProblem: fc.constantFrom(
            "",
            "zot answered an anonymous write with 415 instead of 401. [ZH-PROBE-WRITE]",
        ),
    });
    fc.assert(
        fc.property(facts, fc.constantFrom(CONFIG, "{}\n"), (given, text) => {
            const { drift, notes } = compare(
                report({ ...given, configSize: String(text.length) }, text),
                LAST,
                LAST,
                NAMES,
            );
            for (const sentence of [`${drift.join("; ")}.`, ...notes])
                if (sentence !== ".") expect(holesIn(sentence)).toEqual([]);
        }),
        { numRuns: 500 },
    );
});

test("any mode", () => {
    fc.assert(
        fc.property(fc.integer({ min: 0, max: 0o7777 }), (mode) => {
            const three = (bits: number, special: boolean, letter: string) =>
                `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${special ? (bits & 1 ? letter : letter.toUpperCase()) : bits & 1 ? "x" : "-"}`;
            const rights = `-${three(mode >> 6, !!(mode & 0o4000), "s")}${three(mode >> 3, !!(mode & 0o2000), "s")}${three(mode, !!(mode & 0o1000), "t")}`;
            expect(modeOf(rights)).toBe(mode.toString(8).padStart(4, "0"));
        }),
    );
});

describe("the first deployment", () => {
    const at = (rootDirectory: string, more: object = {}) =>
        JSON.stringify({
            storage: { rootDirectory, ...more },
            http: { accessControl: { repositories: { "**": { anonymousPolicy: ["read"] } } } },
        });
    const said = (present: string, planned: string) =>
        firstDeployment(report({}, present), planned, "registry.example.org").text;

    test("says so, where zot would look elsewhere for what it has", () => {
        const driver = { storageDriver: { name: "s3", bucket: "registry", rootdirectory: "/zot" } };
        expect(said(at("/var/lib/zot"), at("/var/lib/zot", driver))).toBe(
            "The first deployment to registry.example.org: zot restarts once; after that nobody can push without a login. " +
                "Nobody's rights change.\n" +
                "  zot will keep images in the bucket registry below zot/zot instead of the folder /var/lib/zot. It sees only " +
                "those that were copied there.",
        );
        expect(said(at("/var/lib/zot"), at("/var/lib/zot"))).not.toContain("\n");
    });
});
