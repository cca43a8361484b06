/** How the difference of two configs is shown. */
import { configDifference } from "../../../providers/zot/configDifference";

test("layout and order of keys are no difference; what is is shown with what stands around it", () => {
    expect(configDifference('{"a": 1, "b": [1, 2]}', '{"b":[1,2],\n"a":1}')).toBeUndefined();
    expect(configDifference('{"a":1,"b":{"c":"x"}}', '{"b":{"c":"y"},"a":1}')).toBe(
        [
            "--- declared",
            "+++ on the host",
            "@@ -1,6 +1,6 @@",
            " {",
            '   "a": 1,',
            '   "b": {',
            '-    "c": "x"',
            '+    "c": "y"',
            "   }",
            " }",
        ].join("\n"),
    );
});

test("secrets in a config are not shown, whether it is JSON or not; that they differ is", () => {
    const secrets = {
        storage: { storageDriver: { secretkey: "canary-1", accesskey: "canary-2" } },
        ldap: { bindPassword: "canary-3" },
        cluster: { hashKey: "canary-4" },
    };
    const other = JSON.stringify(secrets).replaceAll("canary-", "canary-other-");
    for (const [left, right] of [
        [JSON.stringify(secrets), other],
        ["{}", other],
        ["{}", `${JSON.stringify(secrets, null, 2)},`],
        ["{}", '{"password": "canary-5'],
    ] as const) {
        const shown = configDifference(left, right);
        expect(shown).toBeDefined();
        expect(shown).not.toContain("canary");
    }
    expect(configDifference(JSON.stringify(secrets), other)).toContain('"secretkey": "[hidden] another"');
    // The name of a file is none.
    expect(configDifference("{}", '{"credentialsFile": "/etc/zot/x.json"}')).toContain("/etc/zot/x.json");
});
