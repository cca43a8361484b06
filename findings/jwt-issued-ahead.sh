#!/usr/bin/env bash
# A token whose provider's clock is half a minute ahead: PyJWT 2.15.1 and joserfc 1.8.0 (PyPI) refuse it as issued in
# the future; jose 6.2.18, jsonwebtoken 9.0.3 (npm), python-jose 3.5.0 (PyPI), golang-jwt 5.3.1 and go-jose 4.1.9 (Go)
# take it.
#
# RFC 7519 (4.1.6) has `iat` for the age of a token, and asks nobody to refuse one by it. go-jose refuses at two
# minutes, since it allows one for clocks of itself; PyJWT and joserfc allow none. So a login works or fails by
# the library that reads it, as long as two clocks are a little apart; both can be given a `leeway`.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund jose@6.2.18 jsonwebtoken@9.0.3
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install joserfc==1.8.0 pyjwt==2.15.1 python-jose==3.5.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/golang-jwt/jwt/v5 v5.3.1
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	goJose "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	ahead, token, key := os.Args[1], os.Args[2], []byte(os.Args[3])
	known := func(*jwt.Token) (any, error) { return key, nil }
	claims := &jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(token, claims, known, jwt.WithIssuer("issuer"), jwt.WithAudience("zot"))
	fmt.Printf("%s s ahead: golang-jwt: %v\n", ahead, err == nil)
	signed, err := goJose.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		panic(err)
	}
	var read goJose.Claims
	if err = signed.Claims(key, &read); err != nil {
		panic(err)
	}
	err = read.Validate(goJose.Expected{Issuer: "issuer", AnyAudience: goJose.Audience{"zot"}, Time: time.Now()})
	fmt.Printf("%s s ahead: go-jose: %v\n", ahead, err == nil)
}
GO
cat >seen.js <<'JS'
import { execFileSync } from "node:child_process";
import { jwtVerify, SignJWT } from "jose";
import jsonwebtoken from "jsonwebtoken";

const key = "a key for this test alone, of 43 characters";
const bytes = new TextEncoder().encode(key);
const expected = { issuer: "issuer", audience: "zot" };
for (const ahead of [0, 30, 120]) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: "issuer", aud: "zot", sub: "someone", iat: now + ahead, exp: now + ahead + 600 };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(bytes);
    const libraries = {
        jose: () => jwtVerify(token, bytes, expected),
        jsonwebtoken: async () => jsonwebtoken.verify(token, key, expected),
    };
    for (const [name, verify] of Object.entries(libraries)) {
        console.log(`${ahead} s ahead: ${name}: ${await verify().then(() => true, () => false)}`);
    }
    for (const [file, ...args] of [["venv/bin/python", "seen.py"], ["program/seen"]]) {
        process.stdout.write(execFileSync(file, [...args, String(ahead), token, key]));
    }
}
JS
cat >seen.py <<'PY'
import sys

import jwt
from jose import jwt as python_jose
from joserfc import jwt as joserfc
from joserfc.jwk import OctKey

ahead, token, key = sys.argv[1:]
expected = {"issuer": "issuer", "audience": "zot", "algorithms": ["HS256"]}


def by_joserfc():
    claims = joserfc.decode(token, OctKey.import_key(key), algorithms=["HS256"]).claims
    joserfc.JWTClaimsRegistry(iss={"value": "issuer"}, aud={"value": "zot"}).validate(claims)


libraries = {
    "PyJWT": lambda: jwt.decode(token, key, **expected),
    "python-jose": lambda: python_jose.decode(token, key, **expected),
    "joserfc": by_joserfc,
}
for name, verify in libraries.items():
    try:
        verify()
        told = "true"
    except Exception as error:
        told = f"false ({type(error).__name__})"
    print(f"{ahead} s ahead: {name}: {told}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1 && go build -trimpath .)
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = '0 s ahead: jose: true
0 s ahead: jsonwebtoken: true
0 s ahead: PyJWT: true
0 s ahead: python-jose: true
0 s ahead: joserfc: true
0 s ahead: golang-jwt: true
0 s ahead: go-jose: true
30 s ahead: jose: true
30 s ahead: jsonwebtoken: true
30 s ahead: PyJWT: false (ImmatureSignatureError)
30 s ahead: python-jose: true
30 s ahead: joserfc: false (InvalidClaimError)
30 s ahead: golang-jwt: true
30 s ahead: go-jose: true
120 s ahead: jose: true
120 s ahead: jsonwebtoken: true
120 s ahead: PyJWT: false (ImmatureSignatureError)
120 s ahead: python-jose: true
120 s ahead: joserfc: false (InvalidClaimError)
120 s ahead: golang-jwt: true
120 s ahead: go-jose: false' ] || {
    echo "This has changed." >&2
    exit 1
}
