/** What is said after an update and before a destroy. */
import { afterDestroyText, newKeyText } from "../../components/whatNext";

test("a new key is to be handed on, by commands for this stack", () => {
    expect(newKeyText("mysite", "ci")).toBe(
        "Next: CI's API key is new. Hand it to CI: npm run ci-secrets -- --stack mysite\n" +
            "Check from outside that everything is as declared: npm run verify -- --stack mysite",
    );
    expect(newKeyText("mysite", "charts")).toBe(
        "Next: the API key of CI's identity charts is new. " +
            "Hand it to CI: npm run ci-secrets -- --stack mysite --workload charts\n" +
            "Check from outside that everything is as declared: npm run verify -- --stack mysite --workload charts",
    );
});

test("what a destroy leaves goes by host.onDestroy, in a line that fits a terminal", () => {
    const texts = ["read-only", "restore"].map(afterDestroyText);
    expect(texts).toEqual([
        "anyone reads, and nobody changes anything; CI's keys end",
        "the registry is as it was before, open if it was; CI's keys end",
    ]);
});
