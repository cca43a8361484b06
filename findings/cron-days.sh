#!/usr/bin/env bash
# The days of a crontab line by nine libraries: cron-parser 5.10.6, croner 11.0.1 (npm), croniter 7.0.0, cronsim 2.8,
# crontab 1.0.5, APScheduler 3.11.3 (PyPI), robfig/cron 3.0.1, adhocore/gronx 1.20.4 and gorhill/cronexpr of April
# 2018 (Go).
#
# crontab(5): where day of month and day of week are both given, one of them is enough; where one of them has a `*`,
# also as a step such as `*/2`, both must hold. Days of the week go from 0 to 7, and both ends are Sunday. Only
# cronsim and gronx do all of that. crontab and APScheduler want the 13th to be a Friday; for five, "every second day
# that is a Monday" is every second day and every Monday: eighteen clean-ups in that January instead of two.
# APScheduler's `from_crontab` takes 1 for Tuesday, and like robfig/cron refuses 7. cronexpr takes `5-7` and finds no
# such day, without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund cron-parser@5.10.6 croner@11.0.1
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install apscheduler==3.11.3 croniter==7.0.0 cronsim==2.8 \
    crontab==1.0.5
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.22

require (
	github.com/adhocore/gronx v1.20.4
	github.com/gorhill/cronexpr v0.0.0-20180427100037-88b0669f7d75
	github.com/robfig/cron/v3 v3.0.1
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/adhocore/gronx"
	"github.com/gorhill/cronexpr"
	"github.com/robfig/cron/v3"
)

type next func(time.Time) (time.Time, error)

func two(find next, err error) string {
	told, from := "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 2 {
		if err == nil {
			from, err = find(from)
		}
		if err != nil {
			return " an error"
		}
		if from.IsZero() {
			return " never"
		}
		told += from.Format(" 01-02")
	}
	return told
}

func main() {
	for _, line := range os.Args[1:] {
		schedule, err := cron.ParseStandard(line)
		inRobfig := two(func(from time.Time) (time.Time, error) { return schedule.Next(from), nil }, err)
		expression, err := cronexpr.Parse(line)
		inCronexpr := two(func(from time.Time) (time.Time, error) { return expression.Next(from), nil }, err)
		inGronx := two(func(from time.Time) (time.Time, error) { return gronx.NextTickAfter(line, from, false) }, nil)
		fmt.Printf("%s: robfig/cron%s, gronx%s, cronexpr%s\n", line, inRobfig, inGronx, inCronexpr)
	}
}
GO
cat >seen.js <<'JS'
import { CronExpressionParser } from "cron-parser";
import { Cron } from "croner";

const from = new Date("2026-01-01T00:00:00Z");
const libraries = {
    "cron-parser": (line) => CronExpressionParser.parse(line, { currentDate: from, tz: "UTC" }).take(2),
    croner: (line) => new Cron(line, { timezone: "UTC", paused: true }).nextRuns(2, from),
};
for (const line of process.argv.slice(2)) {
    const told = Object.entries(libraries).map(([name, next]) => {
        const days = next(line).map((day) => (day.toDate?.() ?? day).toISOString().slice(5, 10));
        return `${name} ${days.join(" ")}`;
    });
    console.log(`${line}: ${told.join(", ")}`);
}
JS
cat >seen.py <<'PY'
import sys
from datetime import datetime, timedelta, timezone

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim
from crontab import CronTab

start = datetime(2026, 1, 1, tzinfo=timezone.utc)


def by_croniter(line):
    return croniter(line, start).all_next(datetime)


def by_crontab(line):
    found = start
    while True:
        found += timedelta(seconds=CronTab(line).next(found, default_utc=True))
        yield found


def by_apscheduler(line):
    trigger, found = CronTrigger.from_crontab(line, timezone.utc), start
    while True:
        found = trigger.get_next_fire_time(None, found + timedelta(seconds=1))
        yield found


libraries = {"croniter": by_croniter, "cronsim": lambda line: CronSim(line, start), "crontab": by_crontab}
libraries["APScheduler"] = by_apscheduler
for line in sys.argv[1:]:
    told = []
    for name, find in libraries.items():
        try:
            told.append(f"{name} {' '.join(f'{day:%m-%d}' for _, day in zip(range(2), find(line)))}")
        except ValueError:
            told.append(f"{name} an error")
    print(f"{line}: {', '.join(told)}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
# The first day is a Thursday.
lines=('0 3 * * 1' '0 3 13 * 5' '0 3 */2 * 1' '0 3 * * 7' '0 3 * * 5-7')
seen=$(node seen.js "${lines[@]}" && venv/bin/python seen.py "${lines[@]}" && program/seen "${lines[@]}")
printf '%s\n' "$seen"
[ "$seen" = '0 3 * * 1: cron-parser 01-05 01-12, croner 01-05 01-12
0 3 13 * 5: cron-parser 01-02 01-09, croner 01-02 01-09
0 3 */2 * 1: cron-parser 01-01 01-03, croner 01-01 01-03
0 3 * * 7: cron-parser 01-04 01-11, croner 01-04 01-11
0 3 * * 5-7: cron-parser 01-02 01-03, croner 01-02 01-03
0 3 * * 1: croniter 01-05 01-12, cronsim 01-05 01-12, crontab 01-05 01-12, APScheduler 01-06 01-13
0 3 13 * 5: croniter 01-02 01-09, cronsim 01-02 01-09, crontab 02-13 03-13, APScheduler 06-13 02-13
0 3 */2 * 1: croniter 01-01 01-03, cronsim 01-05 01-19, crontab 01-05 01-19, APScheduler 01-13 01-27
0 3 * * 7: croniter 01-04 01-11, cronsim 01-04 01-11, crontab 01-04 01-11, APScheduler an error
0 3 * * 5-7: croniter 01-02 01-03, cronsim 01-02 01-03, crontab 01-02 01-03, APScheduler an error
0 3 * * 1: robfig/cron 01-05 01-12, gronx 01-05 01-12, cronexpr 01-05 01-12
0 3 13 * 5: robfig/cron 01-02 01-09, gronx 01-02 01-09, cronexpr 01-02 01-09
0 3 */2 * 1: robfig/cron 01-01 01-03, gronx 01-05 01-19, cronexpr 01-01 01-03
0 3 * * 7: robfig/cron an error, gronx 01-04 01-11, cronexpr 01-04 01-11
0 3 * * 5-7: robfig/cron an error, gronx 01-02 01-03, cronexpr never' ] || {
    echo "This has changed." >&2
    exit 1
}
