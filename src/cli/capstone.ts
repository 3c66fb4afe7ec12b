/** capstone as the disassembler of `folio disasm`; 110–145 ms to load, so only this command does. */
import type { CapstoneModule } from "@alexaltea/capstone-js";
import type { Disassemble } from "../report/format/disasm.ts";

/** Offsets in `cs_insn` of capstone 5 (include/capstone/capstone.h). */
const SIZE_OFFSET = 16;
const MNEMONIC_OFFSET = 42;
const OPERANDS_OFFSET = 74;

/** An x86 instruction has at most 15 bytes. */
const WINDOW = 16;

/** Loads capstone and opens it for 32- or 64-bit code. */
export async function loadDisassembler(is64: boolean): Promise<Disassemble> {
  const { default: factory } = await import("@alexaltea/capstone-js");
  const module: CapstoneModule = await factory();
  const engine = new module.Capstone(module.ARCH_X86, is64 ? module.MODE_64 : module.MODE_32);
  const handle = module.getValue(engine.handle_ptr, "*");
  const insn = module._cs_malloc(handle);
  const code = module._malloc(WINDOW);
  // Code pointer (4 bytes), remaining size (4), address (8): cs_disasm_iter advances all three.
  const cursor = module._malloc(16);
  return (bytes, offset, end, address) => {
    const window = bytes.subarray(offset, Math.min(end, offset + WINDOW));
    module.writeArrayToMemory(window, code);
    module.setValue(cursor, code, "i32");
    module.setValue(cursor + 4, window.length, "i32");
    module.setValue(cursor + 8, BigInt(address), "i64");
    if (!module._cs_disasm_iter(handle, cursor, cursor + 4, cursor + 8, insn)) return undefined;
    return {
      length: module.getValue(insn + SIZE_OFFSET, "i16"),
      mnemonic: module.UTF8ToString(insn + MNEMONIC_OFFSET),
      operands: module.UTF8ToString(insn + OPERANDS_OFFSET),
    };
  };
}
