/**
 * The version of zot, as commands and providers read it; the host's script reads the same cases in
 * tests/host/functions.test.ts.
 */
import { keepsTags, plainVersion } from "../../../clients/zot/version";
import VERSIONS from "../../support/zotVersions.json";

test.each(Object.entries(VERSIONS))("%s", (kind, versions) => {
    const answers = { keeps: true, older: false, unreadable: undefined };
    for (const version of versions)
        expect({ version, answer: keepsTags(version) }).toEqual({
            version,
            answer: answers[kind as keyof typeof answers],
        });
});

test("nothing is no version; a version is shown without its letter", () => {
    expect(keepsTags(undefined)).toBeUndefined();
    expect(["v2.1.20", "2.1.20-rc1"].map(plainVersion)).toEqual(["2.1.20", "2.1.20-rc1"]);
});
