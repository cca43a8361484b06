// Pulumi's SDK imports the TypeScript compiler and npm's resolver of packages, half of all that it reads at its start, to
// write down functions of dynamic providers. Here each is imported when something of it is first used, which a program
// without dynamic providers never does.
"use strict";
const nodeModule = require("node:module");
const path = require("node:path");

/** What is imported late, by the name that the SDK imports it by. */
const LATE = ["typescript", "@npmcli/arborist"];
const sdk = /\/@pulumi\/pulumi\/[^?]*$/;

const standIn = (name) => path.join(__dirname, "late", `${path.basename(name)}.cjs`);

/** Calls `load`, which imports the SDK. A Node before 22.15 has no such hooks, and imports everything at once. */
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

/** The exports of a package, imported when one of them is first read. */
function lateModule(name) {
    const fromSdk = nodeModule.createRequire(require.resolve("@pulumi/pulumi"));
    return new Proxy(
        {},
        {
            // The SDK copies the exports of a module that is not one of these, by reading them all.
            get: (_target, key) => {
                if (key === "__esModule") return true;
                // By its path: Node remembers what a name stood for while the hooks were there.
                const exported = require(fromSdk.resolve(name));
                return key === "default" ? (exported.default ?? exported) : exported[key];
            },
        },
    );
}

module.exports = { withLateModules, lateModule };
