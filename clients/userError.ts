/**
 * A mistake, or a problem outside of this program, that the person at the terminal can correct. It is printed without a
 * stack trace.
 */
export class UserError extends Error {
    constructor(message: string) {
        super(message);
        this.name = new.target.name;
    }
}
