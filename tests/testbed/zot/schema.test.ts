/** The schema that the stand-in prints has the names of the real one. */
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { on } from "../../../testbed/contract/titles";
import { configSchema, type Schema } from "../../../testbed/zot/configSchema";
import { noRealZot, run, type Zot, zots } from "./zots";

/** Every setting as a path, in lower case, `*` standing for any name and `[]` for an item. */
function settings(schema: Schema, definitions: Record<string, Schema> = {}, place = ""): string[] {
    const found: string[] = [];
    const variants = (schema["anyOf"] as Schema[] | undefined) ?? [];
    for (const variant of variants) found.push(...settings(variant, definitions, place));
    const reference = schema["$ref"] as string | undefined;
    if (reference) {
        const name = reference.replace("#/definitions/", "").replaceAll("~1", "/").replaceAll("~0", "~");
        found.push(...settings(definitions[name] ?? {}, definitions, place));
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
        const here = `${place}.${name.toLowerCase()}`;
        found.push(here, ...settings(property, definitions, here));
    }
    if (schema.items) found.push(...settings(schema.items, definitions, `${place}[]`));
    if (schema.additionalProperties) found.push(...settings(schema.additionalProperties, definitions, `${place}.*`));
    return [...new Set(found)].sort();
}

(noRealZot ? test.skip : test)(
    skippable(on("both", "it has every setting of the real one's, and no other"), noRealZot),
    () => {
        const real = zots.find((zot) => !zot.isStandIn) as Zot;
        const schema = JSON.parse(run(real, "schema").output) as Schema & { definitions: Record<string, Schema> };
        expect(settings(configSchema)).toEqual(settings(schema, schema.definitions));
    },
);
