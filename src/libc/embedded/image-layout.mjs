// Segments of the images: where the text ends in the file (and in memory), where the data segment starts, where RELRO ends,
// how far the data reach in the file, and the end of bss. Pages are what the memory maps of the machines show; places inside a
// page are those of the distributions' files where they are known (libc-2.11.1.so of Ubuntu 10.04: 1572232 bytes, mapped with
// 3680296, bss from page 0x37e of 18472 bytes), else free.

const LD_PRIVATES = [
  "_dl_open",
  "_dl_close",
  "_dl_sym",
  "_dl_error",
  "_dl_addr",
  "_dl_phdr",
  "_dl_argv",
  "__libc_enable_secure",
];
const LD_KEEP = new Set([
  "__folio_rtld",
  "__folio_ld_map",
  "__folio_ld_call",
  "__folio_ld_syscall",
  "__folio_ld_init",
  "__folio_set_gs",
  "_r_debug",
  "_end",
  "_DYNAMIC",
  "__libc_stack_end",
  "_dl_argv",
  "__libc_enable_secure",
  "_dl_runtime_resolve",
  "_dl_fini",
]);

const ld = (abi, glibc, soname, layout) => ({
  abi,
  glibc,
  soname,
  objects: () => [`ld/ld-${abi}.S`],
  privates: LD_PRIVATES,
  versions:
    abi === "amd64"
      ? [
          { name: "_r_debug", versions: ["GLIBC_2.2.5"] },
          { name: "__libc_stack_end", versions: ["GLIBC_2.2.5"] },
          { name: "__tls_get_addr", versions: ["GLIBC_2.3"] },
        ]
      : [
          { name: "_r_debug", versions: ["GLIBC_2.0"] },
          { name: "__libc_stack_end", versions: ["GLIBC_2.1"] },
          { name: "___tls_get_addr", versions: ["GLIBC_2.3"] },
          { name: "__tls_get_addr", versions: ["GLIBC_2.3"] },
        ],
  keep: (symbol) => LD_KEEP.has(symbol),
  ...layout,
});

/** malloc's variables: what src/libc/malloc names. */
const MALLOC = new Set([
  "main_arena",
  "mp_",
  "__curbrk",
  "global_max_fast",
  "perturb_byte",
  "__malloc_initialized",
  "narenas",
  "narenas_limit",
  "free_list",
  "next_to_use",
  "aligned_heap_area",
  "tcache_key",
  "tcache_dummy",
  "check_action",
  "using_malloc_checking",
  "arena_mem",
  "__folio_malloc_fatal",
  "__folio_tls_offsets",
  "libc_argv",
  "__environ",
]);

const libc = (abi, glibc, ldImage, layout) => ({
  abi,
  glibc,
  soname: "libc.so.6",
  library: "libc",
  objects: () => [`libc.${abi}.o`, "libc-data.c", "libc-tls.S"],
  needs: [ldImage],
  keep: (symbol) => MALLOC.has(symbol),
  ...layout,
});

const libgcc = (abi, glibc, layout) => ({
  abi,
  glibc,
  soname: "libgcc_s.so.1",
  objects: () => ["libgcc.c"],
  node: "GCC",
  versions:
    abi === "amd64"
      ? [{ name: "__popcountdi2", versions: ["GCC_3.4"] }]
      : [
          ...["__udivdi3", "__umoddi3", "__divdi3", "__moddi3"].map((name) => ({ name, versions: ["GLIBC_2.0"] })),
          { name: "__popcountdi2", versions: ["GCC_3.4"] },
        ],
  keep: () => false,
  ...layout,
});

const libm = (abi, glibc, libcImage, layout) => ({
  abi,
  glibc,
  soname: "libm.so.6",
  library: "libm",
  objects: () => [`libm.${abi}.o`],
  needs: [libcImage],
  keep: () => false,
  ...layout,
});

const DL = ["dlopen", "dlclose", "dlerror", "dlsym", "dlvsym", "dladdr"];
const dlVersion = (abi, symbol) =>
  abi === "amd64" ? "GLIBC_2.2.5" : symbol === "dlopen" || symbol === "dlvsym" ? "GLIBC_2.1" : "GLIBC_2.0";
const libdl = (abi, glibc, ldImage, layout) => ({
  abi,
  glibc,
  soname: "libdl.so.2",
  objects: () => ["libdl.c"],
  needs: [ldImage],
  versions: DL.map((symbol) => ({ name: symbol, versions: [dlVersion(abi, symbol)] })),
  keep: () => false,
  ...layout,
});

/**
 * A library whose functions are in our libc, as they are in glibc's from 2.34 on: programs that were linked with it find its name and
 * the versions that they ask for. Segments are as small as they can be.
 */
const name = (abi, glibc, soname, nodes) => ({
  abi,
  glibc,
  soname,
  objects: () => [`placeholder.c`],
  versions: [{ name: "__folio_placeholder", type: "FUNC", versions: nodes[abi] }],
  keep: () => false,
  textEnd: 0x1000,
  data: abi === "amd64" && glibc === "2.11.1" ? 0x201d90 : 0x1d90,
  relroEnd: abi === "amd64" && glibc === "2.11.1" ? 0x202000 : 0x2000,
  dataEnd: abi === "amd64" && glibc === "2.11.1" ? 0x202080 : 0x2080,
  end: abi === "amd64" && glibc === "2.11.1" ? 0x2020f0 : 0x20f0,
  exactEnd: true,
  ...(abi === "amd64" && glibc === "2.11.1" ? {} : { page: 0x1000 }),
});
/** Versions of glibc's files up to 2.13; none came later in those that are empty today. */
const PTHREAD_NODES = {
  amd64: [
    "GLIBC_2.12",
    "GLIBC_2.11",
    "GLIBC_2.4",
    "GLIBC_2.3.4",
    "GLIBC_2.3.3",
    "GLIBC_2.3.2",
    "GLIBC_2.2.6",
    "GLIBC_2.2.5",
  ],
  i386: [
    ...[
      "GLIBC_2.12",
      "GLIBC_2.11",
      "GLIBC_2.4",
      "GLIBC_2.3.4",
      "GLIBC_2.3.3",
      "GLIBC_2.3.2",
      "GLIBC_2.2.6",
      "GLIBC_2.2.3",
    ],
    ...["GLIBC_2.2", "GLIBC_2.1.2", "GLIBC_2.1.1", "GLIBC_2.1", "GLIBC_2.0"],
  ],
};
const RT_NODES = {
  amd64: ["GLIBC_2.7", "GLIBC_2.4", "GLIBC_2.3.4", "GLIBC_2.3.3", "GLIBC_2.2.5"],
  i386: ["GLIBC_2.7", "GLIBC_2.4", "GLIBC_2.3.4", "GLIBC_2.2", "GLIBC_2.1"],
};
const DL_NODES = {
  amd64: ["GLIBC_2.3.4", "GLIBC_2.3.3", "GLIBC_2.2.5"],
  i386: ["GLIBC_2.3.4", "GLIBC_2.3.3", "GLIBC_2.1", "GLIBC_2.0"],
};
const names = (abi, glibc, suffix) => ({
  [`libpthread-${suffix}.so`]: name(abi, glibc, "libpthread.so.0", PTHREAD_NODES),
  [`librt-${suffix}.so`]: name(abi, glibc, "librt.so.1", RT_NODES),
});

/** A library that stands for no file that we know: as long as it needs to be, in pages of its own. */
const PLAIN = { textEnd: 0x7fc00, data: 0x80a00, relroEnd: 0x84000, dataEnd: 0x85f00, end: 0x8a000 };

/** The library of today's machines, from 2.34 on in one piece: libdl and libpthread are empty. */
const modern = (abi, suffix) => ({
  [`ld-2.36-${suffix}.so`]: ld(abi, "2.36", abi === "amd64" ? "ld-linux-x86-64.so.2" : "ld-linux.so.2", {
    page: 0x1000,
    textEnd: 0x2400,
    data: 0x3c00,
    relroEnd: 0x4000,
    dataEnd: 0x4f80,
    end: 0x5190,
    exactEnd: true,
  }),
  [`libc-2.36-${suffix}.so`]: {
    ...libc(abi, "2.36", `ld-2.36-${suffix}.so`, PLAIN),
    page: 0x1000,
    objects: () => [`libc.${abi}.o`, "libc-data.c", "libc-tls.S", "libdl.c"],
    versions: DL.map((symbol) => ({ name: symbol, type: "FUNC", versions: ["GLIBC_2.34", dlVersion(abi, symbol)] })),
  },
  ...names(abi, "2.36", `2.36-${suffix}`),
  [`libdl-2.36-${suffix}.so`]: name(abi, "2.36", "libdl.so.2", DL_NODES),
  [`libm-2.36-${suffix}.so`]: libm(abi, "2.36", `libc-2.36-${suffix}.so`, { ...PLAIN, page: 0x1000 }),
});

export const IMAGES = {
  "ld-2.11.1.so": ld("amd64", "2.11.1", "ld-linux-x86-64.so.2", {
    textEnd: 0x1f660,
    data: 0x21fc60,
    relroEnd: 0x220000,
    dataEnd: 0x220f80,
    end: 0x221190,
    exactEnd: true,
    fileSize: 136936,
  }),
  "libc-2.11.1.so": libc("amd64", "2.11.1", "ld-2.11.1.so", {
    textEnd: 0x1793c0,
    data: 0x379700,
    relroEnd: 0x37d000,
    dataEnd: 0x37df00,
    end: 0x382828,
    fileSize: 1572232,
  }),
  "ld-2.13.so": ld("i386", "2.13", "ld-linux.so.2", {
    textEnd: 0x1d3a8,
    data: 0x1ecf0,
    relroEnd: 0x1f000,
    dataEnd: 0x1f620,
    end: 0x1f8d8,
    exactEnd: true,
    fileSize: 126152,
  }),
  "libc-2.13.so": libc("i386", "2.13", "ld-2.13.so", {
    textEnd: 0x175f20,
    data: 0x1761d8,
    relroEnd: 0x178000,
    dataEnd: 0x178f00,
    end: 0x17ba8c,
    fileSize: 1544392,
  }),
  "libgcc_s-4.4.so.1": libgcc("amd64", "2.11.1", {
    textEnd: 0x15b40,
    data: 0x215d80,
    relroEnd: 0x216000,
    dataEnd: 0x216478,
    end: 0x216760,
    exactEnd: true,
    fileSize: 92552,
  }),
  "libgcc_s-4.6.so.1": libgcc("i386", "2.13", {
    textEnd: 0x1b6a0,
    data: 0x1cee8,
    relroEnd: 0x1d000,
    dataEnd: 0x1d0e0,
    end: 0x1d220,
    exactEnd: true,
    fileSize: 116352,
  }),
  "libm-2.11.1.so": libm("amd64", "2.11.1", "libc-2.11.1.so", {
    textEnd: 0x81a40,
    data: 0x281d88,
    relroEnd: 0x282000,
    dataEnd: 0x282088,
    end: 0x2820d0,
    exactEnd: true,
    fileSize: 534832,
  }),
  "libm-2.13.so": libm("i386", "2.13", "libc-2.13.so", {
    textEnd: 0x23a40,
    data: 0x24ee0,
    relroEnd: 0x25000,
    dataEnd: 0x25060,
    end: 0x250b0,
    exactEnd: true,
    fileSize: 149392,
  }),
  "libdl-2.11.1.so": libdl("amd64", "2.11.1", "ld-2.11.1.so", {
    textEnd: 0x1e00,
    data: 0x202d90,
    relroEnd: 0x203000,
    dataEnd: 0x203090,
    end: 0x203110,
    exactEnd: true,
    fileSize: 14696,
  }),
  "libdl-2.13.so": libdl("i386", "2.13", "ld-2.13.so", {
    textEnd: 0x1e00,
    data: 0x2ed8,
    relroEnd: 0x3000,
    dataEnd: 0x3078,
    end: 0x30c8,
    exactEnd: true,
    fileSize: 9704,
  }),
  ...names("amd64", "2.11.1", "2.11.1"),
  ...names("i386", "2.13", "2.13"),
  ...modern("amd64", "amd64"),
  ...modern("i386", "i386"),
};
