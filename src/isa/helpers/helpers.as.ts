/** Entry of the helper module: every export of these files is an export of dist/helpers.wasm (see signatures.ts). */

export * from "./bcd.as";
export * from "./crypto.as";
export * from "./int.as";
export * from "./pcmpstr.as";
export * from "./sse.as";
export * from "./sse-packed.as";
export * from "./x87.as";
export * from "./x87-compare.as";
export * from "./x87-image.as";
export * from "./x87-scale.as";
export * from "./x87-store.as";
export * from "./x87-trans.as";
export * from "./x87-trig.as";
