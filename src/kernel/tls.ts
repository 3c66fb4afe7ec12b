/** Thread-local storage segments of i386: struct user_desc and the GDT entries it names (arch/x86/kernel/tls.c). */

/** A segment descriptor as set_thread_area and modify_ldt describe it. */
export interface TlsDescriptor {
  readonly base: number;
  readonly limit: number;
  /** The flag bits of struct user_desc: seg_32bit, contents (2), read_exec_only, limit_in_pages, seg_not_present, useable. */
  readonly flags: number;
}

/** The first of the three TLS entries: 12 in a 64-bit kernel, 6 in an i386 kernel (asm/segment.h). */
export const GDT_ENTRY_TLS_MIN_COMPAT = 12;
export const GDT_ENTRY_TLS_MIN_I386 = 6;
export const GDT_ENTRY_TLS_ENTRIES = 3;
