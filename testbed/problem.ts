/** What the bootstrap says of what cannot be had, as the commands tell it. */
import { UserError } from "../clients/userError";

/** For `.catch`: a problem of the bootstrap is told as it is, without a stack trace. */
export function tellProblem(error: Error): never {
    throw error.constructor.name === "Problem" ? new UserError(error.message) : error;
}
