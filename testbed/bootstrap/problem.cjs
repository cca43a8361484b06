"use strict";

/** Something the person at the terminal can act on: printed as it is, without a stack trace. */
class Problem extends Error {
    /** @param {string} message */
    constructor(message) {
        super(message);
        this.name = "Problem";
    }
}

/** The work was given up because of a signal (Ctrl-C, for example) or because another part of it failed. */
class Cancelled extends Error {
    constructor() {
        super("cancelled");
        this.name = "Cancelled";
    }
}

module.exports = { Cancelled, Problem };
