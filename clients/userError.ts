/**
 * A mistake or a state of the world that the person at the terminal can correct. It is told as it is, without a stack
 * trace.
 */
export class UserError extends Error {
    constructor(message: string) {
        super(message);
        this.name = new.target.name;
    }
}
