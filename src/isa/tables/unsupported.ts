import type { Row } from "./row.ts";

/**
 * Encodings that user programs contain behind a CPUID check and that no CPU model of folio offers: they decode to a
 * length and a name, and raise #UD. SDM volume 2 unless said.
 */
export const UNSUPPORTED: readonly Row[] = [
  // Stands for all of AVX-512: the decoder knows its lengths only.
  ["EVEX", "evex", "", "unsupported"],
  ["C6 F8 ib", "xabort", "Ib", "unsupported"],
  ["C7 F8 cz", "xbegin", "Jz", "unsupported"],
  ["NP 0F 01 D5", "xend", "", "unsupported"],
  ["NP 0F 01 D6", "xtest", "", "unsupported"],
  ["NP 0F 01 EE", "rdpkru", "", "unsupported"],
  ["NP 0F 01 EF", "wrpkru", "", "unsupported"],
  ["NP 0F 01 C1", "vmcall", "", "unsupported"],
  ["NP 0F 01 C8", "monitor", "", "unsupported"],
  ["NP 0F 01 C9", "mwait", "", "unsupported"],
  ["NP 0F 01 CA", "clac", "", "unsupported"],
  ["NP 0F 01 CB", "stac", "", "unsupported"],
  ["NP 0F 01 E8", "serialize", "", "unsupported"],
  ["0F 01 FA", "monitorx", "", "unsupported"],
  ["0F 01 FB", "mwaitx", "", "unsupported"],
  ["0F 01 FC", "clzero", "", "unsupported"],
  ["0F 01 FD", "rdpru", "", "unsupported"],
  ["F3 0F 01 /5", "rstorssp", "Mq", "unsupported"],
  ["F3 0F 01 EA", "saveprevssp", "", "unsupported"],
  ["F3 0F AE /5", "incssp", "Ry", "unsupported"],
  ["NP 0F 38 F6 /r", "wrss", "My Gy", "unsupported"],
  ["66 0F AE /6", "tpause", "Rd", "unsupported"],
  ["F2 0F AE /6", "umwait", "Rd", "unsupported"],
  ["F3 0F AE /6", "umonitor", "Ry", "unsupported"],
  ["NP 0F 38 F9 /r", "movdiri", "My Gy", "unsupported"],
  ["66 0F 38 F8 /r", "movdir64b", "Gy M0", "unsupported"],
  ["66 0F 38 CF /r", "gf2p8mulb", "Vdq Wdq", "unsupported"],
  ["66 0F 3A CE /r ib", "gf2p8affineqb", "Vdq Wdq Ib", "unsupported"],
  ["66 0F 3A CF /r ib", "gf2p8affineinvqb", "Vdq Wdq Ib", "unsupported"],
  ["66 0F 78 /0 ib ib", "extrq", "Udq Ib Ib", "unsupported"],
  ["66 0F 79 /r", "extrq", "Vdq Udq", "unsupported"],
  ["F2 0F 78 /r ib ib", "insertq", "Vdq Udq Ib Ib", "unsupported"],
  ["F2 0F 79 /r", "insertq", "Vdq Udq", "unsupported"],
  ["F2 0F 2B /r", "movntsd", "Msd Vsd", "unsupported"],
  ["F3 0F 2B /r", "movntss", "Mss Vss", "unsupported"],
];
