// Compiles TypeScript: esbuild bundles every program of the project into dist/, and each SDK into its bin/.
// A program is compiled when it first runs, and again when one of its sources is newer (build/run.cjs). So an edited
// policy never runs in its old form. `npm run build` compiles all programs. `npm run typecheck` and the tests check the
// types.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "..");

/**
 * Every program: its source and its output. A `main.ts` in a folder, or a command in cli/ or testbed/commands/, is a
 * program.
 */
function programs() {
    const found = [{ source: "index.ts", output: "dist/index.js", external: ["@pulumi/*", "pulumi-zot"] }];
    for (const sdk of folders("sdks")) {
        // A generated SDK builds its bin/ itself, and a bundle would break the way it loads its modules.
        if (exists(`sdks/${sdk}/index.ts`) && !isBuiltByItself(sdk)) {
            found.push({ source: `sdks/${sdk}/index.ts`, output: `sdks/${sdk}/bin/index.js`, packages: "external" });
        }
    }
    for (const provider of folders("providers")) {
        if (exists(`providers/${provider}/main.ts`)) {
            // The engine waits while a provider starts, and a smaller file is read faster (a tenth, on Node 20).
            found.push({
                source: `providers/${provider}/main.ts`,
                output: `dist/providers/${provider}/main.js`,
                minify: true,
            });
        }
    }
    for (const folder of ["cli", "testbed/commands"]) {
        for (const file of exists(folder) ? fs.readdirSync(path.join(root, folder)).sort() : []) {
            if (!file.endsWith(".ts")) continue;
            found.push({
                source: `${folder}/${file}`,
                output: `dist/${folder}/${file.replace(/\.ts$/, ".js")}`,
                external: ["@pulumi/*", "pulumi-zot", "ssh2"],
            });
        }
    }
    for (const part of folders("testbed")) {
        if (exists(`testbed/${part}/main.ts`)) {
            found.push({
                source: `testbed/${part}/main.ts`,
                output: `dist/testbed/${part}/main.js`,
                packages: "external",
            });
        }
    }
    return found;
}

/** Whether `pulumi package add` generated an SDK: its package then has a script that builds it. */
function isBuiltByItself(sdk) {
    const file = path.join(root, "sdks", sdk, "package.json");
    return fs.existsSync(file) && JSON.parse(fs.readFileSync(file, "utf8")).scripts?.build !== undefined;
}

function folders(parent) {
    if (!exists(parent)) return [];
    return fs
        .readdirSync(path.join(root, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
}

function exists(relative) {
    return fs.existsSync(path.join(root, relative));
}

/** The list of sources that a program was compiled from; it is stored beside the output. */
const sourcesFile = (program) => path.join(root, `${program.output}.sources.json`);

/** Whether a program has not been compiled yet, or one of its sources has changed since. */
function isStale(program) {
    let sources;
    let compiledAt;
    try {
        sources = JSON.parse(fs.readFileSync(sourcesFile(program), "utf8"));
        compiledAt = fs.statSync(path.join(root, program.output)).mtimeMs;
    } catch {
        return true;
    }
    return sources.some((source) => {
        const status = fs.statSync(path.join(root, source), { throwIfNoEntry: false });
        return !status || status.mtimeMs > compiledAt;
    });
}

function optionsOf(program) {
    return {
        absWorkingDir: root,
        entryPoints: [program.source],
        outfile: program.output,
        bundle: true,
        platform: "node",
        format: "cjs",
        target: "node20",
        sourcemap: "linked",
        sourcesContent: false,
        keepNames: true,
        minify: program.minify ?? false,
        metafile: true,
        // The host script is embedded in the program that sends it.
        loader: { ".sh": "text" },
        write: false,
        external: program.external ?? [],
        packages: program.packages,
        logLevel: "error",
    };
}

/** Writes each file under a temporary name and renames it, because another process may be reading the old one. */
function save(program, result) {
    const write = (file, contents) => {
        fs.mkdirSync(path.dirname(file), { recursive: true });
        const temporary = `${file}.${process.pid}.tmp`;
        fs.writeFileSync(temporary, contents);
        fs.renameSync(temporary, file);
    };
    const sources = Object.keys(result.metafile.inputs).filter((source) => !source.includes("node_modules/"));
    for (const file of result.outputFiles) write(file.path, file.contents);
    write(sourcesFile(program), JSON.stringify(sources));
}

/**
 * Calls `work` with esbuild. esbuild is a separate process that inherits `process.env`, so secrets are removed from it
 * first. Pulumi's engine, for example, gives the program every secret of the stack (PULUMI_CONFIG).
 */
function withEsbuild(work) {
    const whole = process.env;
    const needed = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "ESBUILD_BINARY_PATH"];
    process.env = Object.fromEntries(needed.filter((name) => name in whole).map((name) => [name, whole[name]]));
    // A worker thread of esbuild would start the process with the whole environment, secrets included.
    process.env.ESBUILD_WORKER_THREADS = "0";
    try {
        return work(require("esbuild"));
    } finally {
        process.env = whole;
    }
}

function compileSync(program) {
    save(
        program,
        withEsbuild((esbuild) => esbuild.buildSync(optionsOf(program))),
    );
}

async function compileAll() {
    const builds = withEsbuild((esbuild) => programs().map((program) => [program, esbuild.build(optionsOf(program))]));
    await Promise.all(builds.map(async ([program, result]) => save(program, await result)));
}

/** The path of a program's JavaScript, which is compiled if necessary. */
function compiled(source) {
    const program = programs().find((candidate) => candidate.source === source);
    if (!program)
        throw new Error(
            `${source} is not one of the programs: ${programs()
                .map((p) => p.source)
                .join(", ")}`,
        );
    // Programs load the SDKs as packages at run time; they are not part of the bundles.
    const sdks = programs().filter((candidate) => candidate.source.startsWith("sdks/"));
    for (const needed of new Set([...sdks, program])) {
        if (isStale(needed)) compileSync(needed);
    }
    return path.join(root, program.output);
}

module.exports = { compiled, compileAll, programs, root };

if (require.main === module) {
    compileAll().catch(() => {
        // esbuild has printed the reason with file and line.
        process.exitCode = 1;
    });
}
