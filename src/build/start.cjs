#!/usr/bin/env node
/**
 * Starts the bundled command with V8's code cache, which the build made by running it once (src/build/build.mjs). A cache of
 * another Node version is refused by V8; then the code is compiled as usual.
 */
const fs = require("node:fs");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");

// Most functions of the wasm modules are never called in a short run: compile each at its first call.
v8.setFlagsFromString("--wasm-lazy-compilation");
// Regions say which of their branches are hardly ever taken. What a short run does is not worth V8's optimising compilers; what
// a long one does gets there a moment later. The options by version of Node, as V8 complains of those that it does not know.
const BRANCH_HINTS = "--experimental-wasm-branch-hinting";
const OPTIMISE_LATER = ["--invocation-count-for-maglev=4000", "--invocation-count-for-turbofan=30000"];
const OPTIONS = {
  20: [BRANCH_HINTS, "--interrupt-budget=1000000"],
  22: [BRANCH_HINTS, ...OPTIMISE_LATER],
  24: [BRANCH_HINTS, ...OPTIMISE_LATER],
};
for (const option of OPTIONS[process.versions.node.split(".")[0]] ?? []) v8.setFlagsFromString(option);

const bundle = path.join(__dirname, "main.cjs");
const cacheFile = path.join(__dirname, "main.cache");

function readCache() {
  try {
    return fs.readFileSync(cacheFile);
  } catch {
    return undefined;
  }
}

const script = new vm.Script(
  `(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(bundle, "utf8")}\n})`,
  {
    filename: bundle,
    cachedData: readCache(),
    importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  },
);
// The build asks for a cache of the functions that a run has compiled.
if (process.env.FOLIO_CODE_CACHE !== undefined) {
  process.on("exit", () => fs.writeFileSync(process.env.FOLIO_CODE_CACHE, script.createCachedData()));
}
script.runInThisContext().call(module.exports, module.exports, require, module, bundle, __dirname);
