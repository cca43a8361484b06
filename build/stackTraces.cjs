// Pulumi's runtime maps stack traces to the sources. Its SDK also makes an error without a message for each resource and
// each promise, to know where it was made: mapping those, which nobody reads, took a quarter of a preview's time.
"use strict";

/** From now on only the trace of an error that says something is mapped. */
function mapErrorsOnly() {
    const map = Error.prepareStackTrace;
    if (!map) return;
    Error.prepareStackTrace = (error, frames) =>
        error.message === "" ? [error, ...frames].join("\n    at ") : map(error, frames);
}

module.exports = { mapErrorsOnly };
