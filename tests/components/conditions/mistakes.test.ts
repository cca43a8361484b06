/** Conditions that zot takes and then refuses by without a word, and those that are met by more than they say. */
import { expressionMistakes, stoppedBy } from "../../../components/conditions/mistakes";

describe("an expression by itself", () => {
    test.each([
        ['req.tag == "latest" &&', /cannot be read as CEL \(line 1:\d+: /],
        ['req.?claims.email == "a"', /optional members \(\.\?\) are not read here/],
        ['req.tagg == "latest"', /names req\.tagg, which zot does not have; req\.tag was meant\?/],
        [
            'req.user.name == "bob"',
            /names req\.user\.name, which zot does not have; there are req\.user\.username, req\.user\.groups/,
        ],
        ['req["repo"] == "a"', /names req\.repo, which zot does not have/],
        ['tag == "latest"', /names tag, which zot does not have; the only variable is req/],
        ['req.user.groups.exists(g, g == "a" && req.tagg == "b")', /names req\.tagg/],
        ["req.tag", /"req\.tag" is no truth value/],
        ['req.tls.enabled && "yes"', /is no truth value/],
        ["size(req.tag)", /"size\(req\.tag\)" is no truth value/],
        ['req.user.groups.contains("admins")', /fails for every request/],
        ['req.tls.enabled || req.time > "2026-01-01"', /"req\.time > \\"2026-01-01\\"" fails for every request/],
        ['req.tag.matches("(v1")', /fails for every request/],
        ['req.tag.matches("(?=v)v1")', /fails for every request/],
        ['req.tag.matches("latest")', /finds its text anywhere in req\.tag/],
        ['req.tag.matches("^v1|latest$")', /finds its text anywhere in req\.tag/],
        ['req.repository.contains("cache")', /finds its text anywhere in req\.repository/],
        ['req.repository.startsWith("team")', /also holds for teamx\/…/],
        ['req.repository.endsWith("cache")', /also holds for xcache/],
        ['req.client.ip.startsWith("10.1")', /also holds for 10\.10 and the like/],
        ['req.client.forwardedFor[0] == "10.0.0.1"', /is a header that anyone may send/],
        ['!req.userAgent.startsWith("curl/")', /is what a client says about itself/],
        ["true", /holds for every request/],
        ['req.tag == "a" || true', /holds for every request/],
    ])("%s is refused", (expression, message) => {
        const mistakes = expressionMistakes(expression);
        expect(mistakes.join("\n")).toMatch(message);
        expect(mistakes).toHaveLength(1);
    });

    test.each([
        'req.tag == "latest"',
        'req.referenceType != "tag" || req.tag.matches("^v[0-9]+$")',
        'req.tag.matches("^(?:v1|latest)$")',
        'req.tag.matches("^v1[|]x$")',
        'req.repository.startsWith("team/") && req.repository.endsWith("/cache")',
        'req.repository.matches("^team.*$")',
        "req.tls.enabled",
        'req["tls"].enabled',
        "!req.auth.anonymous",
        "has(req.claims.email)",
        'req.claims.email == "a@example.org"',
        'req.user.groups.exists(group, group.startsWith("ci-"))',
        '"ci" in req.user.groups',
        'req.time < timestamp("2027-01-01T00:00:00Z")',
        "req.time.getHours() > 6",
        'req.client.ip == "192.0.2.1" && req.client.forwardedFor[0].startsWith("198.51.100.")',
        'sets.contains(req.user.groups, ["ci"])',
        'req.tag.lowerAscii() == "latest"',
        "false",
        'req.tls.enabled ? req.tag == "a" : req.tag == "b"',
    ])("%s is taken", (expression) => {
        expect(expressionMistakes(expression)).toEqual([]);
    });
});

describe("what a grant stops beside", () => {
    test.each<[string, Parameters<typeof stoppedBy>[1], string[]]>([
        [
            'req.tag == "latest"',
            ["create"],
            [
                "the condition also stops, for create, uploads of blobs, so that nothing can be pushed and " +
                    "pushes by digest (each platform of an image); " +
                    'one that begins with req.referenceType != "tag" || lets them pass',
            ],
        ],
        [
            'req.tag.startsWith("v")',
            ["read"],
            [
                "the condition also stops, for read, pulls of blobs and pulls by digest; " +
                    'one that begins with req.referenceType != "tag" || lets them pass',
            ],
        ],
        [
            'req.tag == "latest"',
            ["update"],
            [
                "the condition also stops, for update, a push of a digest with ?tag=; " +
                    'one that begins with req.referenceType != "tag" || lets them pass',
            ],
        ],
        ['req.tag == "latest" || req.referenceType == "digest"', ["update"], []],
        ['req.referenceType != "tag" || req.tag == "latest"', ["create", "update", "read"], []],
        ['req.action != "update" || req.tag == "latest" || req.referenceType == "digest"', ["create", "update"], []],
        ["req.tls.enabled", ["read", "create", "update", "delete"], []],
        ['req.referenceType == "digest"', ["create"], []],
        ["false", ["create"], []],
        ['req.tag == "latest"', ["delete"], []],
    ])("%s for %j", (expression, actions, expected) => {
        expect(stoppedBy([expression], actions)).toEqual(expected);
    });
});
