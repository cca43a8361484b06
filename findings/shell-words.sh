#!/usr/bin/env bash
# A line of shell words as POSIX has them, split by shell-quote 1.12.0, string-argv 0.4.0, shellwords 1.1.1, shlex
# 3.0.0 (npm), google/shlex of December 2019, mattn/go-shellwords 1.0.16, kballard/go-shellquote of April 2018 (Go)
# and Python's own shlex: only go-shellquote splits each line as sh does.
#
# In double quotes a backslash is kept but before `$`, `` ` ``, `"`, `\` and a line's end (2.2.3): google/shlex and
# both shellwords take it away before any character, and a pattern such as "v\d" loses it; both shlex and string-argv
# keep it before `$` too. A backslash at a line's end joins two lines: both shellwords, Python's and google's shlex
# make a word of the line break or the backslash, and shell-quote an empty one. shell-quote begins a comment at a `#`
# within a word, such as an address has. string-argv knows no backslash outside of quotes, and so not the way to write
# a quote in quotes.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund shell-quote@1.12.0 shellwords@1.1.1 shlex@3.0.0 \
    string-argv@0.4.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/google/shlex v0.0.0-20191202100458-e7afc7fbc510
	github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51
	github.com/mattn/go-shellwords v1.0.16
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/shlex"
	"github.com/kballard/go-shellquote"
	"github.com/mattn/go-shellwords"
)

func told(words []string, err error) string {
	if err != nil {
		return "an error"
	}
	text, err := json.Marshal(words)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func main() {
	for _, line := range os.Args[1:] {
		fmt.Printf("google/shlex: %s\n", told(shlex.Split(line)))
		fmt.Printf("go-shellwords: %s\n", told(shellwords.Parse(line)))
		fmt.Printf("go-shellquote: %s\n", told(shellquote.Split(line)))
	}
}
GO
cat >seen.js <<'JS'
import { execFileSync } from "node:child_process";
import { parse } from "shell-quote";
import { split as shellwords } from "shellwords";
import { split as shlex } from "shlex";
import stringArgv from "string-argv";

const libraries = { "shell-quote": parse, "string-argv": stringArgv, shellwords, "npm's shlex": shlex };
for (const line of process.argv.slice(2)) {
    const ofShell = execFileSync("sh", ["-c", `printf '%s\\n--' ${line}`], { encoding: "utf8" }).split("\n--");
    console.log(`${JSON.stringify(line)}: ${JSON.stringify(ofShell.slice(0, -1))}`);
    for (const [name, split] of Object.entries(libraries)) {
        let words;
        try {
            words = JSON.stringify(split(line));
        } catch {
            words = "an error";
        }
        console.log(`${name}: ${words}`);
    }
    for (const [file, ...args] of [["python3", "-I", "seen.py"], ["program/seen"]]) {
        process.stdout.write(execFileSync(file, [...args, line]));
    }
}
JS
cat >seen.py <<'PY'
import json
import shlex
import sys

print("Python's shlex:", json.dumps(shlex.split(sys.argv[1]), separators=(",", ":")))
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
# What all of them read alike is left out below.
seen=$(node seen.js '--match "v\d"' 'echo "5 \$"' $'copy \\\n  a' 'get page#part b' "say 'it'\\''s'" |
    awk '/^"/ { print; split($0, of, /": /); next } substr($0, index($0, ": ") + 2) != of[2]')
printf '%s\n' "$seen"
[ "$seen" = "\"--match \\\"v\\\\d\\\"\": [\"--match\",\"v\\\\d\"]
shellwords: [\"--match\",\"vd\"]
google/shlex: [\"--match\",\"vd\"]
go-shellwords: [\"--match\",\"vd\"]
\"echo \\\"5 \\\\\$\\\"\": [\"echo\",\"5 \$\"]
string-argv: [\"echo\",\"5 \\\\\$\"]
npm's shlex: [\"echo\",\"5 \\\\\$\"]
Python's shlex: [\"echo\",\"5 \\\\\$\"]
\"copy \\\\\\n  a\": [\"copy\",\"a\"]
shell-quote: [\"copy\",\"\",\"a\"]
string-argv: [\"copy\",\"\\\\\",\"a\"]
shellwords: [\"copy\",\"\\\\\",\"a\"]
Python's shlex: [\"copy\",\"\\n\",\"a\"]
google/shlex: [\"copy\",\"\\n\",\"a\"]
go-shellwords: [\"copy\",\"\\n\",\"a\"]
\"get page#part b\": [\"get\",\"page#part\",\"b\"]
shell-quote: [\"get\",\"page\",{\"comment\":\"part b\"}]
\"say 'it'\\\\''s'\": [\"say\",\"it's\"]
string-argv: [\"say\",\"it\\\\s\"]" ] || {
    echo "This has changed." >&2
    exit 1
}
