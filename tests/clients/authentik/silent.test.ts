/** An Authentik that takes connections and never answers: how long each way to it waits. */
import { type ApiAccess, oneAttempt, twoAttempts, usualPatience } from "../../../clients/authentik/api";
import {
    authorizationObstacles,
    isMember,
    loginObstacles,
    membersOf,
    takenNames,
} from "../../../clients/authentik/objects";
import { ANSWER_LIMIT } from "../../../clients/http/request";

test("every way waits for an answer as long as for any other, and no more than half a minute", () => {
    expect(ANSWER_LIMIT).toBeLessThanOrEqual(30_000);
    for (const patience of [usualPatience, oneAttempt(), twoAttempts()]) expect(patience.answer).toBe(ANSWER_LIMIT);
});

test("a look of several requests ends with the first that gets no answer: each would be waited for as long", async () => {
    const asked = new Set<string>();
    const access: ApiAccess = {
        url: "https://authentik.test",
        token: "t",
        transport: (url) => {
            asked.add(url.pathname.replace("/api/v3", ""));
            return Promise.reject(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
        },
    };
    const names = [
        { kind: "stage", name: "a" },
        { kind: "OAuth2 provider", name: "b" },
    ] as const;
    const looks = [
        loginObstacles(access, undefined, "zot"),
        authorizationObstacles(access, "implicit"),
        isMember(access, "a", "b"),
        membersOf(access, "g"),
    ];
    expect(await Promise.all(looks)).toEqual([undefined, undefined, undefined, undefined]);
    expect(await takenNames(access, names)).toEqual([]);
    expect([...asked].sort()).toEqual([
        "/core/groups/",
        "/core/groups/g/",
        "/core/users/",
        "/flows/instances/implicit/",
        "/providers/oauth2/",
        "/stages/all/",
    ]);
});
