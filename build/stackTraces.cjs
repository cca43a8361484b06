// Pulumi's runtime maps stack traces to the sources. Its SDK creates an error without a message for each resource and
// each promise, to know where they came from. Nobody reads those, but mapping them took a quarter of a preview's time.
"use strict";

/** From now on, only traces of errors with a message are mapped. */
function mapErrorsOnly() {
    const map = Error.prepareStackTrace;
    if (!map) return;
    Error.prepareStackTrace = (error, frames) =>
        error.message === "" ? [error, ...frames].join("\n    at ") : map(error, frames);
}

module.exports = { mapErrorsOnly };
