/** Checks the settings of zot against each other. Pure. */

import { goDurationSeconds } from "../../../clients/durations";
import { extraConfigMistakes } from "../extraConfig";
import { mayOverlap } from "../patterns";
import { shown } from "../setting";
import { type CrossCheck, mistake } from "./crossCheck";

export const zotChecks: CrossCheck[] = [
    {
        needs: ["zot.mirrors"],
        check: ({ zot }) =>
            zot.mirrors.flatMap((mirror, index) =>
                zot.mirrors
                    .slice(0, index)
                    .filter((other) => mayOverlap(`${mirror.prefix}/**`, `${other.prefix}/**`))
                    .map((other) =>
                        mistake(
                            "zot.mirrors",
                            `the prefixes ${shown(other.prefix)} and ${shown(mirror.prefix)} overlap; ` +
                                "give every cache a prefix of its own.",
                        ),
                    ),
            ),
    },
    {
        needs: ["zot.metrics", "zot.metricsUsers"],
        check: ({ zot }) => {
            if (zot.metrics === "users" && zot.metricsUsers.length === 0) {
                return [
                    mistake(
                        "zot.metricsUsers",
                        "it is empty while zot.metrics is users, so nobody could read the metrics; " +
                            "name the users, or set zot.metrics to anonymous or off.",
                    ),
                ];
            }
            if (zot.metrics !== "users" && zot.metricsUsers.length > 0) {
                return [
                    mistake(
                        "zot.metricsUsers",
                        `it names users while zot.metrics is ${zot.metrics}, so it has no effect; ` +
                            "set zot.metrics to users, or leave the list empty.",
                    ),
                ];
            }
            return [];
        },
    },
    {
        needs: ["zot.search", "zot.userInterface"],
        check: ({ zot }) =>
            zot.userInterface && !zot.search
                ? [
                      mistake(
                          "zot.userInterface",
                          "it is on while zot.search is off, and zot refuses such a config; " +
                              "set zot.userInterface to false or zot.search to true.",
                      ),
                  ]
                : [],
    },
    {
        needs: ["zot.readTimeout", "zot.writeTimeout"],
        check: ({ zot }) => {
            const [read, write] = [zot.readTimeout, zot.writeTimeout].map(
                (value) => goDurationSeconds(value) || Infinity,
            );
            if (write! >= read!) return [];
            const why = `${shown(zot.writeTimeout)} is shorter than zot.readTimeout, ${shown(zot.readTimeout)}`;
            const what = "a push that takes longer would arrive but get no answer";
            return [mistake("zot.writeTimeout", `${why}: ${what}; give at least as much.`)];
        },
    },
    {
        needs: ["zot.extraConfig"],
        check: ({ zot }) =>
            extraConfigMistakes(zot.extraConfig).map((message) => mistake("zot.extraConfig", `${message}.`)),
    },
];
