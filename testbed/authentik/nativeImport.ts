import { pathToFileURL } from "node:url";
import { constants, Script } from "node:vm";

/** An ES module as Node itself loads it, and plain values as that module expects them. */
export interface Loaded<Module> {
    readonly module: Module;
    /** Copies plain objects and lists, functions excepted, for a module that asks whether an object is plain. */
    readonly plain: <Value>(value: Value) => Value;
}

/**
 * Imports an ES module from CommonJS. A test runner turns `import()` into `require` and runs our code among built-in
 * objects of its own, where `{}` is not what the module calls a plain object; then Node's loader is asked, and values
 * are copied over.
 */
export async function importNatively<Module>(imported: () => Promise<unknown>, name: string): Promise<Loaded<Module>> {
    try {
        return { module: (await imported()) as Module, plain: (value) => value };
    } catch {
        const load = new Script("(url) => import(url)", {
            importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
        });
        const module = await (load.runInThisContext() as (url: string) => Promise<Module>)(
            pathToFileURL(require.resolve(name)).href,
        );
        const native = new Script("({ Object, Array })").runInThisContext() as {
            Object: typeof Object;
            Array: typeof Array;
        };
        const copy = (value: unknown): unknown => {
            if (Array.isArray(value)) return native.Array.from(value, copy);
            if (typeof value !== "object" || value === null) return value;
            const target = new native.Object() as Record<string, unknown>;
            for (const [key, inner] of Object.entries(value)) target[key] = copy(inner);
            return target;
        };
        return { module, plain: (value) => copy(value) as typeof value };
    }
}
