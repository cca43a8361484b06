/** Names of repositories that differ in what patterns such as `team*\/**`, `*\/app` and `app/?` say of them. */
export const REPOSITORIES = [
    "team",
    "team/app",
    "team/base",
    "team/base/x",
    "teams",
    "teams/app",
    "app",
    "app/app",
    "app/x",
    "x/app",
];
