#!/usr/bin/env bash
# What a schema for "a map of texts" makes of a member that is called `__proto__`, as JSON.parse gives it: zod 4.6.7,
# valibot 1.5.0 and joi 18.3.2 leave it out without a word, also where its value is not a text; superstruct 2.0.2, ajv
# 8.20.0, arktype 2.2.10, runtypes 7.0.5 and typebox 0.34.52 keep it, and refuse it where its value is wrong.
#
# With the first three a file can be accepted of which an entry has no effect, and nobody is told. valibot leaves out
# `constructor` as well, which the seven others keep.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund zod@4.6.7 valibot@1.5.0 joi@18.3.2 superstruct@2.0.2 \
    ajv@8.20.0 arktype@2.2.10 runtypes@7.0.5 @sinclair/typebox@0.34.52
cat >seen.js <<'JS'
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import Ajv from "ajv";
import { type } from "arktype";
import Joi from "joi";
import * as runtypes from "runtypes";
import * as superstruct from "superstruct";
import * as valibot from "valibot";
import * as zod from "zod";

const must = (value, problem) => {
    if (problem) throw new Error("refused");
    return value;
};
const readers = {
    zod: (given) => zod.record(zod.string(), zod.string()).parse(given),
    valibot: (given) => valibot.parse(valibot.record(valibot.string(), valibot.string()), given),
    joi: (given) => {
        const { value, error } = Joi.object().pattern(Joi.string(), Joi.string()).validate(given);
        return must(value, error);
    },
    superstruct: (given) => superstruct.create(given, superstruct.record(superstruct.string(), superstruct.string())),
    ajv: (given) => must(given, !new Ajv().validate({ type: "object", additionalProperties: { type: "string" } }, given)),
    arktype: (given) => {
        const value = type({ "[string]": "string" })(given);
        return must(value, value instanceof type.errors);
    },
    runtypes: (given) => runtypes.Record(runtypes.String, runtypes.String).check(given),
    typebox: (given) => Value.Decode(Type.Record(Type.String(), Type.String()), given),
};
const keysOf = (read, text) => {
    try {
        return Object.keys(read(JSON.parse(text))).join(" ");
    } catch {
        return "refused";
    }
};
for (const [name, read] of Object.entries(readers)) {
    const right = keysOf(read, '{"a":"x","__proto__":"y","constructor":"z"}');
    const wrong = keysOf(read, '{"a":"x","__proto__":1}');
    console.log(`${name}: ${right}; a number there: ${wrong}`);
}
JS
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = "zod: a constructor; a number there: a
valibot: a; a number there: a
joi: a constructor; a number there: a
superstruct: a __proto__ constructor; a number there: refused
ajv: a __proto__ constructor; a number there: refused
arktype: a __proto__ constructor; a number there: refused
runtypes: a __proto__ constructor; a number there: refused
typebox: a __proto__ constructor; a number there: refused" ] || {
    echo "This has changed." >&2
    exit 1
}
