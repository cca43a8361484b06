/** zot's actions: pull, push something new, overwrite a tag, delete. */
export const ACTIONS = ["read", "create", "update", "delete"] as const;
export type Action = (typeof ACTIONS)[number];
