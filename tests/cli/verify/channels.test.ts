/** What is declared beside immutable tags: channels, a scheme, refusals that say why; kept and broken. */
import { tieredPolicy } from "../../../components/accessTiers";
import { repositoriesOf } from "../../../components/zotConfig/accessControl";
import { siteSettings } from "../../support/settings";
import { type Config, type Hardened, startHardened } from "./hardened";

jest.setTimeout(600_000);

let registry: Hardened;

beforeAll(async () => {
    registry = await startHardened();
});

afterAll(() => registry?.stop());

const DECLARED = { channels: ["**/cache"], tagScheme: ["vX.Y.Z-<7 hex>"], explainRefusals: true };
const CHECKS = ["channel-moves", "tag-scheme", "refusal-reason"];
/** Those that push tags, or ask for rights: they have to go by what is declared. */
const OTHERS = ["api-key-push", "tag-other-content", "tag-by-digest", "tag-latest", "ci-delete", "access-matrix"];

/** The config with the rules that these settings make. */
const ruled = (access: Record<string, unknown>) => (config: Config) => {
    const { adminsGroup, workloadsGroup } = registry;
    const mirrors = [{ url: "https://mirror.example", prefix: "mirror.example" }];
    const { settings } = siteSettings({ access, identity: { adminsGroup, workloadsGroup }, zot: { mirrors } });
    config.http.accessControl.repositories = repositoriesOf(tieredPolicy(settings));
};

const verdicts = async (options: object, only: string[]) =>
    Object.fromEntries(
        (await registry.verify({ ...options, only })).checks.map(({ id, verdict, meaning }) => [
            id,
            [verdict, meaning],
        ]),
    );

test("where it is declared and in force, all of it passes, and what was pushed is gone again", async () => {
    await registry.start(ruled(DECLARED));
    const found = await verdicts(DECLARED, [...CHECKS, ...OTHERS]);
    expect(Object.values(found).filter(([verdict]) => verdict !== "pass")).toEqual([]);
    expect(found["channel-moves"]![1]).toMatch(/201 twice, and 403 for the deletion, in .*\/cache\./);
    expect(found["refusal-reason"]![1]).toMatch(/this tag exists, and tags here cannot be changed.*CI may not delete/);
    expect(await registry.remains()).toEqual([]);
});

test("where nothing of it is declared, there is nothing to look at", async () => {
    await registry.start();
    const found = await verdicts({}, CHECKS);
    expect(CHECKS.map((id) => found[id]![0])).toEqual(CHECKS.map(() => "skipped"));
});

test("where it is declared and not in force, each is found", async () => {
    await registry.start();
    const found = await verdicts(DECLARED, CHECKS);
    expect(found["channel-moves"]).toEqual([
        "fail",
        expect.stringMatching(/The second push of .*\/cache:latest was .* 403/),
    ]);
    expect(found["tag-scheme"]).toEqual(["fail", expect.stringMatching(/like vX\.Y\.Z-<7 hex>, but Other was .* 415/)]);
    expect(found["refusal-reason"]).toEqual([
        "fail",
        "zot gave no reason for refusing a push to a tag that exists and a deletion.",
    ]);
});

test("a channel that reaches further than it is declared is an overwritten tag", async () => {
    await registry.start((config) => {
        ruled({ channels: ["**/cache"] })(config);
        const update = config.http.accessControl.repositories["**"].policies.find(({ actions }: Config) =>
            actions.includes("update"),
        );
        delete update.conditions;
    });
    const found = await verdicts({ channels: ["**/cache"] }, ["tag-other-content", "channel-moves"]);
    expect(found["tag-other-content"]).toEqual(["fail", expect.stringMatching(/was overwritten/)]);
    expect(found["channel-moves"]![0]).toBe("pass");
});

test("tags that move beside versions are tried, and a version that moves with them is found", async () => {
    const DECLARED_HERE = { movableTags: { "**": ["latest", "pr-X"] }, acceptLossOfManifests: true };
    const options = { movableTags: ["**=latest,pr-X"] };
    await registry.start(ruled(DECLARED_HERE));
    const found = await verdicts(options, ["movable-tags", "tag-latest", ...OTHERS]);
    expect(Object.entries(found).filter(([, [verdict]]) => verdict !== "pass")).toEqual([
        ["tag-latest", ["skipped", expect.stringMatching(/latest is declared to move here/)]],
    ]);
    expect(found["movable-tags"]![1]).toMatch(/:latest, .*:pr-1 moved, by the tag and by a digest with \?tag=/);
    expect(await registry.remains()).toEqual([]);

    await registry.start();
    expect((await verdicts(options, ["movable-tags"]))["movable-tags"]).toEqual([
        "fail",
        expect.stringMatching(/The second push of .*:latest was answered with 403/),
    ]);
    await registry.start((config) => {
        ruled(DECLARED_HERE)(config);
        for (const policy of config.http.accessControl.repositories["**"].policies)
            if (policy.actions.includes("update")) delete policy.conditions;
    });
    expect((await verdicts(options, ["movable-tags"]))["movable-tags"]).toEqual([
        "fail",
        expect.stringMatching(/CI may move .*:v1 \(tested with v1\), which is a version/),
    ]);
});

test.each([
    [{ movableTags: ["**=v1"] }, /--movable-tags "\*\*=v1" is not allowed because of "v1": a version such as v1\.4\.2/],
    [{ channels: ["**"] }, /--channels "\*\*" is not allowed because it has wildcards only/],
    [{ tagScheme: ["v<x>"] }, /--tag-scheme "v<x>" is not allowed because "<x>" has no meaning in a form/],
])("a mistake in an option: %j", async (options, message) => {
    await expect(registry.verify(options)).rejects.toThrow(message);
});
