/** Entry of the helper module: every export of these files is an export of dist/helpers.wasm (see signatures.ts). */
export * from "./int.as";
export * from "./sse.as";
export * from "./sse-packed.as";
export * from "./x87.as";
export * from "./x87-store.as";
