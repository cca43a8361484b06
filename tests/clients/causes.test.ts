import { ApiFailure, failureIn } from "../../clients/authentik/failures";
import { causesOf, rootCause } from "../../clients/causes";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

test("the cause at the bottom, below what wraps it; of several addresses that of the first", () => {
    expect(rootCause(refused)).toBe(refused);
    expect(rootCause(new Error("fetch failed", { cause: refused }))).toBe(refused);
    expect(rootCause(new TypeError("fetch failed", { cause: new AggregateError([refused, new Error("other")]) }))).toBe(
        refused,
    );
    expect(rootCause(Object.assign(new Error("x"), { cause: "a text" })).message).toBe("x");
    for (const nothing of [undefined, null, "a text", 7]) expect(rootCause(nothing)).toEqual({});
});

test("an error that is its own cause has an end", () => {
    const [one, other] = [new Error("one"), new Error("other")];
    Object.assign(one, { cause: other });
    Object.assign(other, { cause: one });
    expect(causesOf(one)).toEqual([one, other]);
});

test("Authentik's failure is found below whatever the API's client wraps it in", () => {
    const failure = new ApiFailure("not-found", "no such object");
    expect(failureIn(failure)).toBe(failure);
    expect(failureIn(new Error("wrapped", { cause: new Error("again", { cause: failure }) }))).toBe(failure);
    expect(failureIn(refused)).toBeUndefined();
});
