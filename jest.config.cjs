module.exports = {
    testEnvironment: "node",
    roots: ["<rootDir>/tests"],
    testMatch: ["**/*.test.ts"],
    transform: {
        "^.+\\.sh$": "<rootDir>/build/jestText.cjs",
        "^.+\\.ts$": [
            "@swc/jest",
            { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
        ],
    },
    // One worker per core at most: the engine's tests start processes of their own.
    maxWorkers: "100%",
    // For what hangs. Five seconds, jest's own, are what a busy machine needs for a test of plain functions.
    testTimeout: 60_000,
};
