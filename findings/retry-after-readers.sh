#!/usr/bin/env bash
# How long a client waits that was refused with Retry-After: axios-retry 4.5.0, retry-axios 4.0.3, undici 7.30.2
# (npm), urllib3 2.8.0, httpx-retries 0.6.0 (PyPI), go-retryablehttp 0.7.8 and oras-go 2.7.0 (Go), each as it is
# without settings.
#
# RFC 9110 (10.2.3) names 503 first, and has a number of seconds or a date. oras-go, with which images are pushed,
# reads the header of a 429 alone, and no date, and waits three seconds at most; after a 503 it goes on by a clock of
# its own, and spends its tries while a registry restarts. undici waits thirty seconds at most, and takes a 0 for
# none. retry-axios gives up, without a second try, where the answer is "now", 0 or a date that has just passed, or
# more than five minutes. httpx-retries waits two minutes at most. axios-retry, and go-retryablehttp beyond its own
# RetryWaitMax of thirty seconds, wait as long as they are told.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund axios@1.21.1 axios-retry@4.5.0 retry-axios@4.0.3 \
    undici@7.30.2
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install httpx-retries==0.6.0 urllib3==2.8.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.25

require (
	github.com/hashicorp/go-retryablehttp v0.7.8
	oras.land/oras-go/v2 v2.7.0
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"oras.land/oras-go/v2/registry/remote/retry"
)

func main() {
	answer, err := http.Get(os.Args[1] + "/program")
	if err != nil {
		panic(err)
	}
	hashicorp := retryablehttp.NewClient()
	again, err := hashicorp.CheckRetry(answer.Request.Context(), answer, nil)
	if err != nil || !again {
		panic("go-retryablehttp gives up")
	}
	wait := hashicorp.Backoff(hashicorp.RetryWaitMin, hashicorp.RetryWaitMax, 0, answer)
	fmt.Printf("go-retryablehttp %d\n", wait/time.Millisecond)
	wait, err = retry.DefaultPolicy.Retry(0, answer, nil)
	if err != nil || wait < 0 {
		panic("oras-go gives up")
	}
	fmt.Printf("oras-go %d\n", wait/time.Millisecond)
}
GO
cat >seen.js <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import axios from "axios";
import axiosRetry from "axios-retry";
import * as rax from "retry-axios";
import { Agent, request, RetryAgent } from "undici";

// The first request to an address is refused, the second one is not.
let answer;
const met = new Set();
const server = createServer((asked, response) => {
    response.writeHead(met.has(asked.url) ? 200 : answer.status, { "retry-after": answer.after }).end();
    met.add(asked.url);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

// Nobody waits: what a library would wait is kept.
let waits = [];
const { setTimeout: wait } = globalThis;
globalThis.setTimeout = (call, milliseconds, ...rest) => {
    const ofRetries = /retry/.test(new Error().stack);
    if (ofRetries) waits.push(milliseconds);
    return wait(call, ofRetries ? 1 : milliseconds, ...rest);
};
const withAxiosRetry = axios.create();
axiosRetry(withAxiosRetry);
const withRetryAxios = axios.create();
withRetryAxios.defaults.raxConfig = {};
rax.attach(withRetryAxios);
const libraries = {
    "axios-retry": (address) => withAxiosRetry.get(address),
    "retry-axios": (address) => withRetryAxios.get(address),
    undici: async (address) => (await request(address, { dispatcher: new RetryAgent(new Agent()) })).body.dump(),
};
const inWords = (milliseconds) => {
    // The date of below, less what this has taken by then.
    if (milliseconds > 40_000 && milliseconds <= 100_000) return "until then";
    if (milliseconds >= 3000) return `${milliseconds / 1000} s`;
    return milliseconds === 0 ? "at once" : "its own";
};
const answers = [
    [429, "120"],
    [503, "120"],
    [503, "600"],
    [503, "0"],
    [503, "a date in 100 s", new Date(Date.now() + 100_000).toUTCString()],
    [503, "a date that has passed", new Date(Date.now() - 100_000).toUTCString()],
];
console.log(`answers: ${answers.map(([status, name]) => `${status} ${name}`).join(", ")}`);
const told = {};
const tell = (library, words) => (told[library] ??= []).push(words);
for (const [index, [status, name, after]] of answers.entries()) {
    answer = { status, after: after ?? name };
    const address = `http://127.0.0.1:${server.address().port}/${index}`;
    for (const [library, get] of Object.entries(libraries)) {
        waits = [];
        const done = await get(`${address}/${library}`).then(() => true, () => false);
        tell(library, done ? inWords(waits.at(-1)) : "gives up");
    }
    for (const [file, ...args] of [["venv/bin/python", "seen.py"], ["program/seen"]]) {
        const { stdout } = await promisify(execFile)(file, [...args, address]);
        for (const line of stdout.trim().split("\n")) {
            const [library, milliseconds] = line.split(" ");
            tell(library, inWords(Number(milliseconds)));
        }
    }
}
for (const [library, words] of Object.entries(told)) console.log(`${library}: ${words.join(", ")}`);
process.exit();
JS
cat >seen.py <<'PY'
import sys
import time

import httpx
import urllib3
from httpx_retries import RetryTransport

waits = []
time.sleep = waits.append


def by_httpx(address):
    with httpx.Client(transport=RetryTransport()) as client:
        return client.get(address).status_code


libraries = {"urllib3": lambda address: urllib3.PoolManager().request("GET", address).status, "httpx-retries": by_httpx}
for name, get in libraries.items():
    waits.clear()
    assert get(f"{sys.argv[1]}/{name}") == 200
    print(name, round(1000 * (waits[-1] if waits else 0)))
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
unset HTTP_PROXY http_proxy
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = 'answers: 429 120, 503 120, 503 600, 503 0, 503 a date in 100 s, 503 a date that has passed
axios-retry: 120 s, 120 s, 600 s, at once, until then, at once
retry-axios: 120 s, 120 s, gives up, gives up, until then, gives up
undici: 30 s, 30 s, 30 s, its own, 30 s, its own
urllib3: 120 s, 120 s, 600 s, at once, until then, at once
httpx-retries: 120 s, 120 s, 120 s, at once, until then, at once
go-retryablehttp: 120 s, 120 s, 600 s, at once, until then, at once
oras-go: 3 s, its own, its own, its own, its own, its own' ] || {
    echo "This has changed." >&2
    exit 1
}
