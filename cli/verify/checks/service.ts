/** Whether the registry answers, and which zot it is. */
import { keepsTags, OLDEST_ZOT, plainVersion } from "../../../clients/zot/version";
import type { Check } from "../check";
import { fail, notApplicable, pass, Skipped, warning } from "../outcome";
import { parsed } from "../registry";

export const service: Check[] = [
    {
        id: "health",
        title: "zot says that it lives, has started and is ready",
        needs: [],
        async run({ anonymous }) {
            const odd: string[] = [];
            for (const path of ["/livez", "/startupz", "/readyz"]) {
                const { status } = await anonymous.request("GET", path);
                if (status !== 200) odd.push(`${path} ${status}`);
            }
            return odd.length === 0
                ? pass("All three answer 200, without a login.")
                : fail(`Not 200: ${odd.join(", ")}.`, "Look at zot's log; a proxy in front must forward these paths.");
        },
    },
    {
        id: "version",
        title: `zot is ${OLDEST_ZOT} or newer, before which tags can be moved`,
        needs: [],
        async run({ anonymous, subject: { acceptVersion } }) {
            const answer = await anonymous.request("GET", "/v2/_zot/ext/mgmt");
            const told = answer.status === 200 ? parsed<{ releaseTag?: string; commit?: string }>(answer) : undefined;
            const versions = [told?.releaseTag, told?.commit].filter((version) => keepsTags(version) !== undefined);
            if (versions.length === 0)
                throw notApplicable(
                    `The registry does not tell its version (${answer.status}); run zot --version on the host.`,
                );
            const older = versions.find((version) => !keepsTags(version));
            if (older === undefined) return pass(`It is ${plainVersion(versions[0]!)}.`);
            // The host has compared the hash of the binary.
            if (
                acceptVersion !== undefined &&
                (acceptVersion === told?.commit || acceptVersion.startsWith("sha256:"))
            ) {
                return warning(
                    `It is ${plainVersion(older)}, which zot.acceptVersion accepts as a build that keeps tags.`,
                    `Install ${OLDEST_ZOT} or newer.`,
                );
            }
            return fail(
                `It is ${plainVersion(older)}, in which a push by digest can move a tag (and before 2.1.15 ` +
                    "anyone who may create can overwrite latest).",
                `Upgrade zot to ${OLDEST_ZOT} or newer.`,
            );
        },
    },
    {
        id: "metrics",
        title: "/metrics is open to whom it is declared to be, and to nobody else",
        needs: [],
        async run(context) {
            const { metrics, metricsPath } = context.subject;
            const answer = await context.anonymous.request("GET", metricsPath);
            const isOpen = answer.status === 200 && /^# (HELP|TYPE) /m.test(answer.text);
            if (metrics === "anonymous") {
                return isOpen
                    ? pass("They are open, as declared, for a scraper without a login.")
                    : fail(
                          `They are declared open to anyone, but answered with ${answer.status} without a login: ` +
                              "the scraper gets nothing.",
                          "They need the extension metrics, and since zot 2.1.18 also " +
                              'accessControl.metrics.anonymousPolicy: ["read"].',
                      );
            }
            if (isOpen) {
                return fail(
                    "The metrics are open: anyone reads them without a login (they include names of repositories), " +
                        `but they are declared ${metrics === "off" ? "off" : "open only to some users"}.`,
                    "Deploy the declared config again; or, if a scraper needs them without a login, " +
                        "declare it: zot.metrics anonymous (--metrics anonymous).",
                );
            }
            if (context.testUsers) {
                const ci = await context.ci().catch((error: unknown) => {
                    if (error instanceof Skipped) return undefined;
                    throw error;
                });
                const other = await ci?.registry.request("GET", metricsPath);
                if (other?.status === 200 && /^# (HELP|TYPE) /m.test(other.text))
                    return fail(
                        "Any login reads the metrics (here CI's), which is not declared.",
                        "Name the users in accessControl.metrics.users, with zot.metricsUsers.",
                    );
            }
            return pass(
                metrics === "off"
                    ? "They are off, as declared."
                    : "Nobody reads them without a login; whether the declared users can is not checked.",
            );
        },
    },
    {
        id: "address",
        title: "The registry is reached over https",
        needs: [],
        async run({ subject }) {
            const { protocol, hostname } = new URL(subject.registryUrl);
            if (protocol === "https:") return pass("It is, and this machine trusts the certificate.");
            if (/^(127\.|localhost$|\[::1\]$)/.test(hostname)) throw notApplicable("It is on this machine.");
            return warning(
                "Over plain http, whoever is in between can read keys and change images.",
                "Put it behind a proxy that terminates TLS, and give the proxy's https:// address.",
            );
        },
    },
];
