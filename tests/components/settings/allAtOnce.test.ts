/** All mistakes of a settings file are told at once, of whatever kind and wherever they are. */
import { refusals } from "../../support/refusals";

/** What each sentence is about, and the beginning of why. */
const told = (changes: Parameters<typeof refusals>[0]) => refusals(changes).join("\n");

test("access.movableTags: a wrong pattern, a type, and each tag that cannot move", () => {
    const said = told({
        access: {
            acceptLossOfManifests: true,
            movableTags: {
                "Team/**": ["v1.2"],
                "a/**": ["v1.2", "<date>", "latest", 5],
                "b/**": [],
                "c/**": "latest",
            },
        },
    });
    for (const part of [
        /movableTags\["Team\/\*\*"\].* because of its pattern "Team\/\*\*": it has capitals/,
        /movableTags\["Team\/\*\*"\].* because of "v1\.2": it holds the numbers of a version/,
        /movableTags\["a\/\*\*"\].* because of "v1\.2": it holds the numbers of a version/,
        /movableTags\["a\/\*\*"\].* because of "<date>": it holds a date/,
        /movableTags\["a\/\*\*"\]\[3\]: 5 is not allowed/,
        /"b\/\*\*" has no tag; leave it out/,
        /movableTags\["c\/\*\*"\]: "latest" is not allowed/,
    ])
        expect(said).toMatch(part);
});

test("a map with a wrong key: what is wrong with the value as well", () => {
    const said = told({
        access: { rules: { "Team/**": { ci: ["push"], group: {} } } },
        ci: { workloads: { Charts: { user: "a b", group: "charts", repositories: ["X"] } } },
    });
    for (const part of [
        /^access\.rules: "Team\/\*\*" is not allowed because it has capitals/m,
        /^access\.rules\["Team\/\*\*"\]\.ci\[0\]: "push" is not allowed/m,
        /^access\.rules\["Team\/\*\*"\]: the name "group" is not allowed/m,
        /^ci\.workloads: "Charts" is not allowed because it is not small letters/m,
        /^ci\.workloads\.Charts\.user: "a b" is not allowed because it has " "/m,
        /^ci\.workloads\.Charts\.repositories\[0\]: "X" is not allowed because it has capitals/m,
    ])
        expect(said).toMatch(part);
});

describe("an entry that cannot be read hides nothing of the others", () => {
    test("of ci.workloads", () => {
        const said = told({
            ci: {
                workloads: {
                    charts: { user: "charts", group: "charts" },
                    images: { user: "zot-ci", group: "admins", repositories: ["images/**"], channels: ["other"] },
                },
            },
        });
        for (const part of [
            /^ci\.workloads\.charts\.repositories is missing/m,
            /^ci\.workloads\.images\.user: "zot-ci" is also the account of/m,
            /^ci\.workloads\.images\.group: "admins" is the group of the admins/m,
            /^ci\.workloads\.images\.channels\[0\]: "other" is outside of the repositories/m,
        ])
            expect(said).toMatch(part);
    });

    test("of access.movableTags", () => {
        const said = told({
            access: { channels: ["cache/**"], movableTags: { "a/**": ["v1.2"], "cache/b": ["latest"] } },
        });
        expect(said).toMatch(/because of "v1\.2"/);
        expect(said).toMatch(/movableTags\["cache\/b"\]: every tag moves there already/);
        expect(said).toMatch(/^access\.movableTags: it has a price/m);
    });
});

test("what other settings cannot be read says nothing against telling what ci.workloads says by itself", () => {
    const said = told({
        ci: { workloads: { charts: { user: "zot-ci", group: "charts", repositories: ["a"], channels: ["b"] } } },
        zot: { mirrors: [5] },
        ciSecrets: { names: 5 },
        identity: { adminsGroup: " " },
    });
    for (const part of [
        /^zot\.mirrors\[0\]: 5 is not allowed/m,
        /^ciSecrets\.names: 5 is not allowed/m,
        /^identity\.adminsGroup: " " is not allowed/m,
        /^ci\.workloads\.charts\.user: "zot-ci" is also the account of/m,
        /^ci\.workloads\.charts\.channels\[0\]: "b" is outside of the repositories/m,
    ])
        expect(said).toMatch(part);
});
