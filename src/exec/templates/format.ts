/**
 * Templates: the lifted IR of an instruction, kept by its encoding, for translate.as.ts to copy. This file says how they lie in
 * the host area; it is read by both compilers, so it holds nothing but numbers.
 *
 * The key of a template is the encoding up to the displacement: prefixes, opcode, ModR/M, SIB. The registers that ModR/M and SIB
 * name (their *fields*) are part of the key only as far as equal ones go, and as without REX the byte registers 4–7 are of another
 * kind; where an instruction uses registers that it does not name, RAX, RCX, RDX, RSP are part of the key (and RBX without REX).
 * The others are filled in, as are displacement, immediate, and the addresses that depend on where the instruction stands.
 */

/** Prefix classes of the bytes, 32-bit and 64-bit code; then what is known of the opcodes (mode, map, opcode). */
export const PREFIXES = 0x400000;
export const OPCODES = 0x400200;
/** Bits of `OPCODES`, beside 0 for unknown: ModR/M follows; its reg, its rm are part of the opcode; the key is all bytes. */
export const OPCODE_KNOWN = 1;
export const OPCODE_MODRM = 2;
export const OPCODE_REG = 4;
export const OPCODE_RM = 8;
export const OPCODE_RAW = 16;
export const OPCODE_SLOW = 32;
/** Opcode maps of a mode, as decode-tables.ts numbers them. */
export const OPCODE_MAPS = 7;

/** By opcode, a bit for each ModR/M.reg: the instruction uses no registers but those that it names. */
export const OPCODES_FREE = 0x402800;

/** Which operations the interpreter executes in one go (src/exec/interp/fused.ts): row of each number (u8), rows (u16). */
export const FUSED_NUMBERS = 0xb0000;
export const FUSED_ROWS = 0xb0400;
export const FUSED_ROW_BYTES = 2048;

/** Classes in `PREFIXES`. */
export const PREFIX_LEGACY = 1;
export const PREFIX_REX = 2;
export const PREFIX_SLOW = 3;

/** What a translation answers (u32 each): see RESULT_… */
export const RESULT = 0x401000;
/** After a translation: instructions, address of the first record, address of the offsets (u16 each, one more for the end). */
export const RESULT_COUNT = 0x401000;
export const RESULT_RECORD = 0x401004;
export const RESULT_OFFSETS = 0x401008;
/** What is lacking: an entry of OPCODES (its index), or a template. */
export const RESULT_LACKS = 0x401000;
export const LACKS_OPCODE = 1;
export const LACKS_TEMPLATE = 2;
/** The instruction: host address, key (two words), further key, extra key, and its entry in LIST. */
export const RESULT_AT = 0x401004;
export const RESULT_KEY_LO = 0x401008;
export const RESULT_KEY_HI = 0x40100c;
export const RESULT_KEY_REST = 0x401010;
export const RESULT_EXTRA = 0x401014;
export const RESULT_ENTRY = 0x401018;

/**
 * The instructions of the block being translated, LIST_BYTES each. Fields: reg, then rm or base, then index, a byte each. Shape:
 * where the displacement is, where ModR/M and REX are (255: none), a byte each, bytes of the displacement (4 bits), which fields
 * are filled in (3 bits), whether OPCODES_FREE holds.
 */
export const LIST = 0x401800;
export const LIST_BYTES = 48;
export const LIST_TEMPLATE = 0;
export const LIST_OFFSET = 4;
export const LIST_NEXT = 8;
export const LIST_DISP = 12;
export const LIST_IMM = 16;
export const LIST_KILLED = 28;
export const LIST_FIELDS = 32;
export const LIST_SHAPE = 36;

/** Open-addressing table of template addresses (u32), and the templates. */
export const INDEX = 0x404000;
export const INDEX_BITS = 16;
export const INDEX_MASK = 0xffff;
export const TEMPLATES = 0x444000;
export const TEMPLATES_END = 0x800000;

/** Further key: length of the first part if that is the bytes themselves (KEY_RAW), and these bits. */
export const KEY_LONG = 16;
export const KEY_NO_DISP = 32;
/** The immediate is part of the key (`extra`), or T_SOURCE of the template that the flags come from is. */
export const KEY_IMM = 64;
export const KEY_FLAGS = 128;
export const KEY_RAW = 256;

/** A template's header (u32 each), then `words`, their kinds (u8), the kinds of the cells (u8), literals (i64). */
export const T_KEY_LO = 0;
export const T_KEY_HI = 4;
export const T_KEY_REST = 8;
export const T_EXTRA = 12;
export const T_FLAGS = 16;
export const T_WORDS = 20;
export const T_CELLS = 24;
/** The operation that computes the flags: its first word, and how many. */
export const T_FLAGS_AT = 28;
export const T_FLAGS_WORDS = 32;
/** What the flags come from, as far as the instruction behind it is concerned (recorder.ts); with PRODUCES. */
export const T_SOURCE = 36;
export const T_HEADER = 40;

/** Bits of T_FLAGS; from bit 8 on the bytes of the immediate. */
export const ENDS = 1;
/** An operation sees the flags, or may exit, before they are overwritten; all are overwritten; the same after that. */
export const SEES = 2;
export const OVERWRITES = 4;
export const SEES_AFTER = 8;
/** It asks where the flags come from; the instruction behind it may ask. */
export const CONSUMES = 16;
export const PRODUCES = 32;
/** There is one template for each immediate. */
export const BY_IMM = 64;
/** The translator in JavaScript does it. */
export const SLOW = 128;
/** It is a CALL, or a RET. */
export const IS_CALL = 0x1000;
export const IS_RETURN = 0x2000;

/** Kinds of words: as it is; operation (takes the instruction's number); displacement plus it; address of a cell. */
export const WORD = 0;
export const WORD_HEAD = 1;
export const WORD_DISP = 2;
export const WORD_CELL = 3;
/** A cell of the instruction before. */
export const WORD_PREVIOUS = 4;
export const WORD_NEXT_LO = 5;
export const WORD_NEXT_HI = 6;
export const WORD_TARGET_LO = 7;
export const WORD_TARGET_HI = 8;
export const WORD_IP_LO = 9;
export const WORD_IP_HI = 10;

/** The word plus 8 times (plus 1: 32 times) a field; kind + 2 times the field's number. Of the instruction before. */
export const WORD_FIELD = 16;
export const WORD_PREVIOUS_FIELD = 24;

/** Kinds of cells (64-bit constants of an instruction): immediate sign- and zero-extended; addresses; displacement. */
export const CELL_IMM = 0;
export const CELL_IMM_ZERO = 1;
export const CELL_NEXT = 2;
export const CELL_IP = 3;
/** Behind the instruction plus the displacement. */
export const CELL_RIP = 4;
export const CELL_DISP = 5;
export const CELL_DISP_ZERO = 6;
export const CELL_TARGET = 7;

/** Answers of `translate` beside the end of the block. */
export const LACKING = 0;
export const TOO_SLOW = 1;
