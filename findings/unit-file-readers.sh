#!/usr/bin/env bash
# Unit files that systemd takes, read by go-systemd 22.7.0 (Go), systemd-unit-edit 0.1.0 and SystemdUnitParser 0.4
# (PyPI).
#
# systemd.syntax(7): a line that ends in a backslash is joined to the next one, the backslash becomes a space, and
# comments in between are passed over. A comment itself is never continued. go-systemd leaves backslash and line end in
# the value, reads a comment in between as part of it and refuses what comes after, and lets a comment that ends in a
# backslash swallow the next line, a section's name among others: nothing is left, and no error. systemd-unit-edit
# alone joins lines; it refuses comments in between too, and a line that is indented, which systemd takes.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install systemd-unit-edit==0.1.0 systemdunitparser==0.4
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require github.com/coreos/go-systemd/v22 v22.7.0
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

func main() {
	for _, text := range os.Args[1:] {
		sections, err := unit.DeserializeSections(strings.NewReader(text))
		told := []string{}
		for _, section := range sections {
			for _, entry := range section.Entries {
				told = append(told, fmt.Sprintf("%s.%s=%s", section.Section, entry.Name, entry.Value))
			}
		}
		if err != nil {
			told = []string{"refused"}
		}
		fmt.Printf("%q: go-systemd: %q\n", text, told)
	}
}
GO
cat >seen.py <<'PY'
import configparser
import json
import sys

from systemd_unit_edit import SystemdUnit
from SystemdUnitParser import SystemdUnitParser


def edit(text):
    sections = SystemdUnit(text).sections()
    return [f"{section.name()}.{entry.key()}={entry.value()}" for section in sections for entry in section.entries()]


def parser(text):
    read = SystemdUnitParser()
    read.read_string(text)
    values = [(section, key, read[section][key]) for section in read.sections() for key in read[section]]
    lists = [(section, key, value if isinstance(value, tuple) else (value,)) for section, key, value in values]
    return [f"{section}.{key}={value}" for section, key, values in lists for value in values]


for text in sys.argv[1:]:
    for name, read in (("systemd-unit-edit", edit), ("SystemdUnitParser", parser)):
        try:
            told = json.dumps(read(text)).replace('", "', '" "')
        except (ValueError, configparser.Error):
            told = '["refused"]'
        print(f"{json.dumps(text)}: {name}: {told}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1)
units=($'[Service]\nExecStart=/bin/echo \\\n  1\n' $'[Service]\nExecStart=/bin/echo \\\n# why\n  1\nType=exec\n'
    $'# why \\\n[Service]\nType=exec\n' $'[Service]\n  Type=exec\n')
seen=$(venv/bin/python seen.py "${units[@]}" && (cd program && go run -trimpath . "${units[@]}"))
printf '%s\n' "$seen"
[ "$seen" = '"[Service]\nExecStart=/bin/echo \\\n  1\n": systemd-unit-edit: ["Service.ExecStart=/bin/echo   1"]
"[Service]\nExecStart=/bin/echo \\\n  1\n": SystemdUnitParser: ["Service.ExecStart=/bin/echo \\\n1"]
"[Service]\nExecStart=/bin/echo \\\n# why\n  1\nType=exec\n": systemd-unit-edit: ["refused"]
"[Service]\nExecStart=/bin/echo \\\n# why\n  1\nType=exec\n": SystemdUnitParser: ["refused"]
"# why \\\n[Service]\nType=exec\n": systemd-unit-edit: ["Service.Type=exec"]
"# why \\\n[Service]\nType=exec\n": SystemdUnitParser: ["Service.Type=exec"]
"[Service]\n  Type=exec\n": systemd-unit-edit: ["refused"]
"[Service]\n  Type=exec\n": SystemdUnitParser: ["Service.Type=exec"]
"[Service]\nExecStart=/bin/echo \\\n  1\n": go-systemd: ["Service.ExecStart=/bin/echo \\\n  1"]
"[Service]\nExecStart=/bin/echo \\\n# why\n  1\nType=exec\n": go-systemd: ["refused"]
"# why \\\n[Service]\nType=exec\n": go-systemd: []
"[Service]\n  Type=exec\n": go-systemd: ["Service.Type=exec"]' ] || {
    echo "This has changed." >&2
    exit 1
}
