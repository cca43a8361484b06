#!/usr/bin/env bash
# How a client sends its name and secret as `Authorization: Basic`: oauth4webapi 3.8.8, openid-client 5.7.1,
# simple-oauth2 5.1.0, arctic 3.7.0 (npm), Authlib 1.9.10 (PyPI) and golang.org/x/oauth2 0.38.0 (Go) do not agree.
#
# RFC 6749 (2.3.1) has both form-encoded before they are joined. arctic and Authlib send them as they are; the others
# agree on `+`, `/` and `=`, and no further. oauth4webapi, which openid-client 6 is built on, also encodes the minus,
# the dot and the underscore: a server that does not decode knows the client `zot-ci` of all the others, and not of
# this one. A name and a secret of letters and digits alone, or both in the body (client_secret_post), are safe with
# all.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund arctic@3.7.0 oauth4webapi@3.8.8 openid-client@5.7.1 \
    simple-oauth2@5.1.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install authlib==1.9.10 requests==2.34.2
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require golang.org/x/oauth2 v0.38.0
MOD
cat >program/main.go <<'GO'
package main

import (
	"context"
	"os"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	client := clientcredentials.Config{
		TokenURL: os.Args[1] + "/token", ClientID: os.Args[2], ClientSecret: os.Args[3], AuthStyle: oauth2.AuthStyleInHeader,
	}
	if _, err := client.Token(context.Background()); err != nil {
		panic(err)
	}
}
GO
cat >seen.js <<'JS'
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { OAuth2Client } from "arctic";
import * as oauth4webapi from "oauth4webapi";
import { Issuer } from "openid-client";
import { ClientCredentials } from "simple-oauth2";

let heard;
const server = createServer((request, response) => {
    heard = Buffer.from(request.headers.authorization.slice("Basic ".length), "base64").toString();
    const token = { access_token: "t", token_type: "bearer", expires_in: 60 };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(token));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const metadata = { issuer, token_endpoint: `${issuer}/token` };
const run = promisify(execFile);
const libraries = {
    oauth4webapi: (id, secret) => {
        const authentication = oauth4webapi.ClientSecretBasic(secret);
        const options = { [oauth4webapi.allowInsecureRequests]: true };
        return oauth4webapi.clientCredentialsGrantRequest(metadata, { client_id: id }, authentication, {}, options);
    },
    "openid-client": (id, secret) => {
        const { Client } = new Issuer(metadata);
        return new Client({ client_id: id, client_secret: secret }).grant({ grant_type: "client_credentials" });
    },
    "simple-oauth2": (id, secret) =>
        new ClientCredentials({ client: { id, secret }, auth: { tokenHost: issuer } }).getToken({}),
    arctic: (id, secret) =>
        new OAuth2Client(id, secret, null).validateAuthorizationCode(metadata.token_endpoint, "code", null),
    Authlib: (id, secret) => run("venv/bin/python", ["seen.py", issuer, id, secret]),
    "x/oauth2": (id, secret) => run("program/seen", [issuer, id, secret]),
};
for (const [id, secret] of [["zot-ci", "abc123"], ["zot", "a.b_c~d"], ["zot", "ab+c/d=="]]) {
    for (const [name, logIn] of Object.entries(libraries)) {
        await logIn(id, secret);
        console.log(`${id}:${secret} by ${name}: ${heard}`);
    }
}
server.close();
JS
cat >seen.py <<'PY'
import os
import sys

from authlib.integrations.requests_client import OAuth2Session

issuer, client_id, secret = sys.argv[1:]
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
OAuth2Session(client_id, secret).fetch_token(f"{issuer}/token", grant_type="client_credentials")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1 && go build -trimpath .)
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = 'zot-ci:abc123 by oauth4webapi: zot%2Dci:abc123
zot-ci:abc123 by openid-client: zot-ci:abc123
zot-ci:abc123 by simple-oauth2: zot-ci:abc123
zot-ci:abc123 by arctic: zot-ci:abc123
zot-ci:abc123 by Authlib: zot-ci:abc123
zot-ci:abc123 by x/oauth2: zot-ci:abc123
zot:a.b_c~d by oauth4webapi: zot:a%2Eb%5Fc%7Ed
zot:a.b_c~d by openid-client: zot:a.b_c~d
zot:a.b_c~d by simple-oauth2: zot:a.b_c~d
zot:a.b_c~d by arctic: zot:a.b_c~d
zot:a.b_c~d by Authlib: zot:a.b_c~d
zot:a.b_c~d by x/oauth2: zot:a.b_c~d
zot:ab+c/d== by oauth4webapi: zot:ab%2Bc%2Fd%3D%3D
zot:ab+c/d== by openid-client: zot:ab%2Bc%2Fd%3D%3D
zot:ab+c/d== by simple-oauth2: zot:ab%2Bc%2Fd%3D%3D
zot:ab+c/d== by arctic: zot:ab+c/d==
zot:ab+c/d== by Authlib: zot:ab+c/d==
zot:ab+c/d== by x/oauth2: zot:ab%2Bc%2Fd%3D%3D' ] || {
    echo "This has changed." >&2
    exit 1
}
