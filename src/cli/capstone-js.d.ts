/** The part of @alexaltea/capstone-js 5.0.9 that folio uses; the package ships no types. */
declare module "@alexaltea/capstone-js" {
  export interface CapstoneModule {
    readonly ARCH_X86: number;
    readonly MODE_32: number;
    readonly MODE_64: number;
    _malloc(bytes: number): number;
    _cs_malloc(handle: number): number;
    _cs_disasm_iter(handle: number, code: number, size: number, address: number, insn: number): number;
    getValue(pointer: number, type: string): number;
    setValue(pointer: number, value: number | bigint, type: string): void;
    writeArrayToMemory(bytes: Uint8Array, pointer: number): void;
    UTF8ToString(pointer: number): string;
    readonly Capstone: new (arch: number, mode: number) => { readonly handle_ptr: number };
  }
  const factory: () => Promise<CapstoneModule>;
  export default factory;
}
