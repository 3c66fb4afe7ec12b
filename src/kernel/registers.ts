/** Numbers of registers and EFLAGS bits as the kernel needs them (SDM volume 1, section 3.4). */
export const Gpr = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
} as const;

export const SegmentRegister = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5 } as const;

export const EFLAGS_CF = 0x1;
export const EFLAGS_PF = 0x4;
export const EFLAGS_AF = 0x10;
export const EFLAGS_ZF = 0x40;
export const EFLAGS_SF = 0x80;
export const EFLAGS_TF = 0x100;
export const EFLAGS_DF = 0x400;
export const EFLAGS_OF = 0x800;
export const EFLAGS_RF = 0x10000;
export const EFLAGS_AC = 0x40000;

/** User selectors of a 64-bit kernel (arch/x86/include/asm/segment.h). */
export const USER32_CS = 0x23;
export const USER_DS = 0x2b;
export const USER_CS = 0x33;
/** User selectors of an i386 kernel. */
export const I386_USER_CS = 0x73;
export const I386_USER_DS = 0x7b;
