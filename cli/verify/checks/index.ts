/** Every check, in the order of execution. */
import type { Check } from "../check";
import { anonymous } from "./anonymous";
import { browser } from "./browser";
import { channels } from "./channels";
import { integrity } from "./integrity";
import { keys } from "./keys";
import { login } from "./login";
import { matrix } from "./matrix";
import { mirrors } from "./mirrors";
import { movableTags } from "./movableTags";
import { otherLogins } from "./otherLogins";
import { service } from "./service";
import { tags } from "./tags";

export const checks: readonly Check[] = [
    ...service,
    ...otherLogins,
    ...login,
    ...browser,
    ...anonymous,
    ...integrity,
    ...tags,
    ...channels,
    ...movableTags,
    ...mirrors,
    ...matrix,
    ...keys,
];
