/** The two ABIs of the guest: System V x86-64 and i386. */
export type Abi = "amd64" | "i386";

/** sizeof(long), sizeof(void *). */
export const WORD_SIZE: Readonly<Record<Abi, 4 | 8>> = { amd64: 8, i386: 4 };

/** Hexadecimal digits of an address of the ABI, as the kernel's %p pads it. */
export const ADDRESS_DIGITS: Readonly<Record<Abi, 8 | 16>> = { amd64: 16, i386: 8 };

/** e_machine of an ELF file. */
export const ELF_MACHINE: Readonly<Record<Abi, number>> = { amd64: 62, i386: 3 };

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_I386 (include/uapi/linux/audit.h), as seccomp's si_arch. */
export const AUDIT_ARCH: Readonly<Record<Abi, number>> = { amd64: 0xc000003e, i386: 0x40000003 };
