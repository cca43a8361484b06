import { on, readTitles } from "../../../testbed/contract/titles";

test.each<[string[], ReturnType<typeof readTitles>]>([
    [["no mark at all", "a case"], undefined],
    [["a fact alone [fact: is no subject]"], undefined],
    [
        ["zot [stand-in]", "tags", "a second push"],
        { subject: "stand-in", name: "zot › tags › a second push", fact: undefined, skipped: undefined },
    ],
    [
        ["zot [real]", "`/healthz` is 404 [fact]"],
        { subject: "real", name: "zot › `/healthz` is 404", fact: "`/healthz` is 404", skipped: undefined },
    ],
    [
        ["zot [real]", "lets through [fact: Lets through]", "empty groups"],
        { subject: "real", name: "zot › lets through › empty groups", fact: "Lets through", skipped: undefined },
    ],
    [
        ["zot [real]", "outer [fact: outer]", "inner [fact: inner]"],
        { subject: "real", name: "zot › outer › inner", fact: "inner", skipped: undefined },
    ],
    [
        ["zot [real]", 'anonymous [fact: `users: [""]` means anonymous]'],
        { subject: "real", name: "zot › anonymous", fact: '`users: [""]` means anonymous', skipped: undefined },
    ],
    [
        ["[both]", "the same answers [fact: x] [skipped: no real zot]"],
        { subject: "both", name: "the same answers", fact: "x", skipped: "no real zot" },
    ],
    [
        ["[both] [skipped: no real zot: neither in ZOT nor on PATH]", "a"],
        { subject: "both", name: "a", fact: undefined, skipped: "no real zot: neither in ZOT nor on PATH" },
    ],
])("%j", (titles, expected) => {
    expect(readTitles(titles)).toEqual(expected);
});

test("what is written is read", () => {
    for (const subject of ["stand-in", "real", "both"] as const)
        expect(readTitles([on(subject, "tags")])).toMatchObject({ subject, name: "tags" });
});
