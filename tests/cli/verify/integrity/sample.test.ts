/** Which versions a sample is of. */
import fc from "fast-check";
import { someRepositories, someVersions, type Version } from "../../../../cli/verify/integrity/sample";

const registries = fc
    .dictionary(
        fc.stringMatching(/^[a-z]{1,4}$/),
        fc.uniqueArray(fc.stringMatching(/^v[0-9]{1,3}$/), { maxLength: 8 }),
        {
            maxKeys: 8,
        },
    )
    .map((tags) => new Map(Object.entries(tags)));
const names = (versions: readonly Version[]) => versions.map(({ repository, tag }) => `${repository}:${tag}`);

test("without a number it is every version, each once", () => {
    fc.assert(
        fc.property(registries, fc.string(), (tags, seed) => {
            const all = [...tags].flatMap(([repository, own]) => own.map((tag) => `${repository}:${tag}`));
            expect(names(someVersions(tags, seed)).sort()).toEqual(all.sort());
        }),
    );
});

test("it is the same for the same seed, in whatever order the registry lists, and a smaller one is its beginning", () => {
    fc.assert(
        fc.property(registries, fc.string(), fc.nat(10), (tags, seed, most) => {
            const turned = new Map([...tags].reverse().map(([name, own]) => [name, [...own].reverse()]));
            const all = names(someVersions(tags, seed));
            expect(names(someVersions(turned, seed))).toEqual(all);
            expect(names(someVersions(tags, seed, most))).toEqual(all.slice(0, most));
            const repositories = [...tags.keys()];
            expect(someRepositories(repositories.slice().reverse(), seed, most)).toEqual(
                someRepositories(repositories, seed, most),
            );
        }),
    );
});

test("a repository with many versions does not crowd out the others", () => {
    const tags = new Map([
        ["large", Array.from({ length: 1000 }, (_, n) => `v${n}`)],
        ["a", ["v1"]],
        ["b", ["v1", "v2"]],
    ]);
    for (const seed of ["1", "2", "3"]) {
        const first = someVersions(tags, seed, 3).map(({ repository }) => repository);
        expect(first.sort()).toEqual(["a", "b", "large"]);
    }
});

test("another seed chooses other versions", () => {
    const tags = new Map([["app", Array.from({ length: 100 }, (_, n) => `v${n}`)]]);
    const samples = ["a", "b", "c", "d"].map((seed) => names(someVersions(tags, seed, 10)).join());
    expect(new Set(samples).size).toBe(4);
});
