// Pulumi's SDK imports the TypeScript compiler and npm's package resolver, which are half of all that it reads at
// start-up. It needs them only to serialize functions of dynamic providers. Here each is imported on first use, which
// never happens in a program without dynamic providers.
"use strict";
const nodeModule = require("node:module");
const path = require("node:path");

/** The modules to import late, by the names under which the SDK imports them. */
const LATE = ["typescript", "@npmcli/arborist"];
const sdk = /\/@pulumi\/pulumi\/[^?]*$/;

const standIn = (name) => path.join(__dirname, "late", `${path.basename(name)}.cjs`);

/** Calls `load`, which imports the SDK. Node before 22.15 lacks the hooks for this, and imports everything at once. */
function withLateModules(load) {
    if (typeof nodeModule.registerHooks !== "function") return load();
    const hooks = nodeModule.registerHooks({
        resolve: (specifier, context, next) =>
            LATE.includes(specifier) && sdk.test(context.parentURL ?? "")
                ? next(standIn(specifier), context)
                : next(specifier, context),
    });
    try {
        return load();
    } finally {
        hooks.deregister();
    }
}

/** The exports of a package, which is imported when one of them is first read. */
function lateModule(name) {
    const fromSdk = nodeModule.createRequire(require.resolve("@pulumi/pulumi"));
    return new Proxy(
        {},
        {
            // For any other kind of module the SDK would copy all exports, and so read them.
            get: (_target, key) => {
                if (key === "__esModule") return true;
                // By its path, because Node would resolve the name as it did while the hooks were active.
                const exported = require(fromSdk.resolve(name));
                return key === "default" ? (exported.default ?? exported) : exported[key];
            },
        },
    );
}

module.exports = { withLateModules, lateModule };
