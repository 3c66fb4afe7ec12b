/**
 * The notation of the opcode tables.
 *
 * A row is one instruction form: opcode, mnemonic, operands, feature, attributes. It follows the Intel SDM volume 2
 * (section 3.1.1 for the opcode column, appendix A.2 for operand codes and superscripts), with the additions below.
 *
 * Opcode column
 * - `NP`, `66`, `F2`, `F3` in front: mandatory prefix. A row without any of them takes every prefix, but a row that
 *   names the prefix at hand wins (`F3 0F BC` tzcnt over `0F BC` bsf).
 * - `REX.W`, `REX.W0`: the row holds only with (without) REX.W.
 * - `/r`, `/0`–`/7`: ModR/M byte; `+r`: register in the low three bits of the opcode.
 * - A byte after the opcode is a whole ModR/M byte (`0F 01 D0`); `+i` after it leaves the low three bits open
 *   (`D8 C0+i`, and `0F AE E8+i`, where the CPU ignores them).
 * - `VEX.[128|256|L0|LIG].[66|F2|F3].[0F|0F38|0F3A].[W0|W1|WIG]`: a length that is not given means that 128 and 256 are
 *   both there; `LIG` that the CPU ignores it; `L0` is 128.
 * - `ib iw iz iv cb cz …` stand for reading only: what follows ModR/M is known from the operands.
 *
 * Operand codes beyond appendix A.2
 * - `A/B`: A if ModR/M names a register, B if it names memory (as in the SDM's `Rv/Mw`).
 * - `Z`: general register from the low three bits of the opcode (with REX.B).
 * - `Ibs`: imm8 sign-extended to the operand size; `Ib` is zero-extended.
 * - `L`: vector register from bits 7:4 of an imm8.
 * - `STi`, `ST0`, `XMM0`, `1`, register names: implied or encoded in the opcode.
 * - Memory widths of x87 and state instructions: `t` 10 bytes, `e` fldenv (14 or 28), `g` fsave (94 or 108), `fx` 512;
 *   `0` no access of its own (lea, prefetch) or one whose width the state decides (xsave).
 * - Types `b w d q dq qq v y z x ps pd ss sd pi p s a` have the meaning and width of appendix A.2.2.
 */

import type { Feature } from "../instruction.ts";

/**
 * Attributes, separated by blanks:
 * - `lock`: LOCK is legal when the destination is memory (otherwise #UD); AMD's processors take it for VERW too;
 * - `i64`, `o64`: invalid in (only in) 64-bit mode; `d64`: operand size defaults to 64 bits there; `f64`: is forced to it;
 * - `cpl0`: #GP(0) outside ring 0 (or, for I/O, without IOPL);
 * - `anymod`: ModR/M.mod is ignored and read as 11B (moves to and from control and debug registers).
 */
export type Row = readonly [opcode: string, mnemonic: string, operands: string, feature: Feature, attributes?: string];
