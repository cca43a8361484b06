#!/usr/bin/env bash
# A provider's key set in which one key is of a kind that a library does not know: go-jose 4.1.9, lestrrat-go/jwx
# 3.4.0, MicahParks/keyfunc 3.9.2 (Go), Authlib 1.9.10 and joserfc 1.8.0 (PyPI) refuse the whole set, and so the key
# that signs.
#
# RFC 7517 (5) has an implementation pass over a key of which it does not know the type or a value, and lets `kty`,
# `use` and `alg` (4.1, 4.2, 4.4) be names of one's own. jose 6.2.18, jwks-rsa 4.1.0 (npm), PyJWT 2.15.1, jwcrypto
# 1.6.1 (PyPI), go-oidc 3.21.0 and zitadel/oidc 3.52.0 (Go) do so, though the last two are made with go-jose. For the
# others the day on which a provider adds a key for encryption, or one of a newer kind beside the old one, is the day
# on which every login fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund jose@6.2.18 jwks-rsa@4.1.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install authlib==1.9.10 joserfc==1.8.0 jwcrypto==1.6.1 \
    'pyjwt[crypto]==2.15.1'
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.25

require (
	github.com/MicahParks/keyfunc/v3 v3.9.2
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/lestrrat-go/jwx/v3 v3.4.0
	github.com/zitadel/oidc/v3 v3.52.0
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
)

func main() {
	name, set, token, address := os.Args[1], []byte(os.Args[2]), os.Args[3], os.Args[4]
	background := context.Background()
	signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		panic(err)
	}
	libraries := []string{"go-jose", "jwx", "keyfunc", "go-oidc", "zitadel/oidc"}
	verify := map[string]func() error{
		"go-jose": func() error {
			var keys jose.JSONWebKeySet
			if err := json.Unmarshal(set, &keys); err != nil {
				return err
			}
			_, err := signed.Verify(keys.Key("signs")[0])
			return err
		},
		"jwx": func() error {
			keys, err := jwk.Parse(set)
			if err != nil {
				return err
			}
			key, _ := keys.LookupKeyID("signs")
			_, err = jws.Verify([]byte(token), jws.WithKey(jwa.RS256(), key))
			return err
		},
		"keyfunc": func() error {
			keys, err := keyfunc.NewJWKSetJSON(set)
			if err != nil {
				return err
			}
			_, err = jwt.Parse(token, keys.Keyfunc)
			return err
		},
		"go-oidc": func() error {
			_, err := oidc.NewRemoteKeySet(background, address).VerifySignature(background, token)
			return err
		},
		"zitadel/oidc": func() error {
			_, err := rp.NewRemoteKeySet(http.DefaultClient, address).VerifySignature(background, signed)
			return err
		},
	}
	for index, library := range libraries {
		libraries[index] = fmt.Sprintf("%s %v", library, verify[library]() == nil)
	}
	fmt.Printf("%s: %s\n", name, strings.Join(libraries, ", "))
}
GO
cat >seen.js <<'JS'
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import jwksRsa from "jwks-rsa";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const signs = { ...publicKey.export({ format: "jwk" }), kid: "signs", use: "sig", alg: "RS256" };
const x448 = generateKeyPairSync("x448").publicKey.export({ format: "jwk" });
const sets = {
    "one key": [signs],
    "and one of another type": [{ kty: "https://example.org/kty", kid: "other" }, signs],
    "and one for encryption by X448": [{ ...x448, kid: "encrypts", use: "enc" }, signs],
    "and one of another use": [{ ...signs, kid: "other", use: "attest" }, signs],
    "and one of another algorithm": [{ ...signs, kid: "other", alg: "https://example.org/alg" }, signs],
};
const claims = { sub: "someone", exp: Math.floor(Date.now() / 1000) + 600 };
const token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "signs" }).sign(privateKey);
for (const [name, keys] of Object.entries(sets)) {
    const set = JSON.stringify({ keys });
    const server = createServer((_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).end(set);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${server.address().port}/`;
    const libraries = {
        jose: () => jwtVerify(token, createLocalJWKSet({ keys })),
        "jwks-rsa": () => jwksRsa({ jwksUri: address }).getSigningKey("signs"),
    };
    const told = [];
    for (const [library, verify] of Object.entries(libraries)) {
        told.push(`${library} ${await verify().then(() => true, () => false)}`);
    }
    console.log(`${name}: ${told.join(", ")}`);
    for (const command of [["venv/bin/python", "-W", "ignore", "seen.py"], ["program/seen"]]) {
        const [file, ...args] = [...command, name, set, token, address];
        process.stdout.write((await promisify(execFile)(file, args)).stdout);
    }
    server.close();
    server.closeAllConnections();
}
JS
cat >seen.py <<'PY'
import sys

import jwt
from authlib.jose import JsonWebKey
from authlib.jose import jwt as authlib
from joserfc import jwt as joserfc
from joserfc.jwk import KeySet
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT
from json import loads

name, keys, token, _ = sys.argv[1:]
libraries = {
    "PyJWT": lambda: jwt.decode(token, jwt.PyJWKSet.from_json(keys)["signs"], algorithms=["RS256"]),
    "jwcrypto": lambda: JWT(jwt=token, key=JWKSet.from_json(keys)),
    "joserfc": lambda: joserfc.decode(token, KeySet.import_key_set(loads(keys)), algorithms=["RS256"]),
    "Authlib": lambda: authlib.decode(token, JsonWebKey.import_key_set(loads(keys))),
}
told = []
for library, verify in libraries.items():
    try:
        verify()
        told.append(f"{library} true")
    except Exception as error:
        told.append(f"{library} false ({type(error).__name__})")
print(f"{name}: {', '.join(told)}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = 'one key: jose true, jwks-rsa true
one key: PyJWT true, jwcrypto true, joserfc true, Authlib true
one key: go-jose true, jwx true, keyfunc true, go-oidc true, zitadel/oidc true
and one of another type: jose true, jwks-rsa true
and one of another type: PyJWT true, jwcrypto true, joserfc true, Authlib false (KeyError)
and one of another type: go-jose false, jwx false, keyfunc false, go-oidc true, zitadel/oidc true
and one for encryption by X448: jose true, jwks-rsa true
and one for encryption by X448: PyJWT true, jwcrypto true, joserfc true, Authlib true
and one for encryption by X448: go-jose false, jwx true, keyfunc false, go-oidc true, zitadel/oidc true
and one of another use: jose true, jwks-rsa true
and one of another use: PyJWT true, jwcrypto true, joserfc false (KeyParameterError), Authlib true
and one of another use: go-jose true, jwx true, keyfunc true, go-oidc true, zitadel/oidc true
and one of another algorithm: jose true, jwks-rsa true
and one of another algorithm: PyJWT true, jwcrypto true, joserfc true, Authlib true
and one of another algorithm: go-jose true, jwx false, keyfunc true, go-oidc true, zitadel/oidc true' ] || {
    echo "This has changed." >&2
    exit 1
}
