/** Stands in for node:child_process in the bundle. */
module.exports = {};
