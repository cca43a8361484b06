#!/usr/bin/env bash
# Four libraries for CEL, the language of conditions in policies: what cel-go and the specification settle, they answer
# in four ways. @bufbuild/cel 0.6.1, @marcbachmann/cel-js 8.0.0, cel-js 0.8.2 (npm), cel-python 0.5.0 (PyPI).
#
# @bufbuild/cel returns an error as a value, which is true where a truth value is expected; the others throw. cel-js
# divides integers into fractions, counts a character outside the basic plane as two, and lets an error win over
# `true ||`. Numbers of two types are equal by the specification; cel-python and @marcbachmann/cel-js know no such
# comparison.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund @bufbuild/cel@0.6.1 @marcbachmann/cel-js@8.0.0 cel-js@0.8.2
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install cel-python==0.5.0
cat >seen.js <<'JS'
import { isCelError, run } from "@bufbuild/cel";
import * as marcbachmann from "@marcbachmann/cel-js";
import * as celJs from "cel-js";

const libraries = { "@bufbuild/cel": run, "@marcbachmann/cel-js": marcbachmann.evaluate, "cel-js": celJs.evaluate };
for (const [name, evaluate] of Object.entries(libraries)) {
    for (const expression of process.argv.slice(2)) {
        let told;
        try {
            const value = evaluate(expression, { tag: { name: "v1" } });
            told = isCelError(value) ? `an error is returned, which is ${Boolean(value)}` : String(value);
        } catch {
            told = "an error is thrown";
        }
        console.log(`${name}: ${expression}: ${told}`);
    }
}
JS
cat >seen.py <<'PY'
import sys

import celpy

environment = celpy.Environment()
for expression in sys.argv[1:]:
    try:
        told = environment.program(environment.compile(expression)).evaluate(celpy.json_to_cel({"tag": {"name": "v1"}}))
    except celpy.CELEvalError:
        told = "an error is thrown"
    print(f"cel-python: {expression}: {told}")
PY
expressions=('tag.age == 3' 'true || tag.age == 3' '3 / 2' 'size("😀")' '3 == 3.0')
seen=$(node seen.js "${expressions[@]}" && venv/bin/python seen.py "${expressions[@]}")
printf '%s\n' "$seen"
[ "$seen" = '@bufbuild/cel: tag.age == 3: an error is returned, which is true
@bufbuild/cel: true || tag.age == 3: true
@bufbuild/cel: 3 / 2: 1
@bufbuild/cel: size("😀"): 1
@bufbuild/cel: 3 == 3.0: true
@marcbachmann/cel-js: tag.age == 3: an error is thrown
@marcbachmann/cel-js: true || tag.age == 3: true
@marcbachmann/cel-js: 3 / 2: 1
@marcbachmann/cel-js: size("😀"): 1
@marcbachmann/cel-js: 3 == 3.0: an error is thrown
cel-js: tag.age == 3: an error is thrown
cel-js: true || tag.age == 3: an error is thrown
cel-js: 3 / 2: 1.5
cel-js: size("😀"): 2
cel-js: 3 == 3.0: true
cel-python: tag.age == 3: an error is thrown
cel-python: true || tag.age == 3: True
cel-python: 3 / 2: 1
cel-python: size("😀"): 1
cel-python: 3 == 3.0: an error is thrown' ] || {
    echo "This has changed." >&2
    exit 1
}
