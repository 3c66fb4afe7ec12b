/**
 * Capstone's instruction names (`cs_insn_name`) that are no mnemonic of folio's tables: a table of its own because it is long.
 * A name without a row must stand here.
 */

/** Names of forms that have their row under another mnemonic (the SDM's, without the operand size). */
export const OTHER_NAMES: Readonly<Record<string, string>> = {
  cwde: "cbw",
  cdqe: "cbw",
  cdq: "cwd",
  cqo: "cwd",
  cmpsb: "cmps",
  cmpsw: "cmps",
  cmpsq: "cmps",
  scasb: "scas",
  scasw: "scas",
  scasd: "scas",
  scasq: "scas",
  stosb: "stos",
  stosw: "stos",
  stosd: "stos",
  stosq: "stos",
  lodsb: "lods",
  lodsw: "lods",
  lodsd: "lods",
  lodsq: "lods",
  movsb: "movs",
  movsw: "movs",
  movsq: "movs",
  insb: "ins",
  insw: "ins",
  insd: "ins",
  outsb: "outs",
  outsw: "outs",
  outsd: "outs",
  fcompi: "fcomip",
  fucompi: "fucomip",
  iretd: "iret",
  iretq: "iret",
  jecxz: "jcxz",
  jrcxz: "jcxz",
  lcall: "callf",
  ljmp: "jmpf",
  movabs: "mov",
  popaw: "popa",
  popal: "popa",
  pushaw: "pusha",
  pushal: "pusha",
  pushfd: "pushf",
  pushfq: "pushf",
  popfd: "popf",
  popfq: "popf",
  retfq: "retf",
  sal: "shl",
  wait: "fwait",
  xlatb: "xlat",
  sysexitq: "sysexit",
  sysretq: "sysret",
  rdsspd: "rdssp",
  rdsspq: "rdssp",
  incsspd: "incssp",
  incsspq: "incssp",
  wrssd: "wrss",
  wrssq: "wrss",
  fdisi8087_nop: "fnop",
  feni8087_nop: "fnop",
  fsetpm: "fnop",
  fcmovnp: "fcmovnu",
  vcmp: "vcmpps",
};

/** Prefixes, which capstone counts as instructions. */
export const PREFIXES = "data16 lock rep repne rex64 xacquire xrelease".split(" ");

/** Instructions outside the sets that folio is about, by extension. */
export const OUTSIDE: Readonly<Record<string, string>> = {
  TBM: "blcfill blci blcic blcmsk blcs blsfill blsic t1mskc tzmsk",
  LWP: "llwpcb slwpcb lwpins lwpval",
  "3DNow!":
    "femms pavgusb pf2id pf2iw pfacc pfadd pfcmpeq pfcmpge pfcmpgt pfmax pfmin pfmul pfnacc pfpnacc pfrcpit1 " +
    "pfrcpit2 pfrcp pfrsqit1 pfrsqrt pfsubr pfsub pi2fd pi2fw pmulhrw pswapd",
  PadLock: "montmul xcryptcbc xcryptcfb xcryptctr xcryptecb xcryptofb xsha1 xsha256 xstore",
  SVM: "clgi stgi invlpga skinit vmload vmmcall vmrun vmsave",
  VMX: "invept invvpid vmclear vmfunc vmlaunch vmptrld vmptrst vmread vmresume vmwrite vmxoff vmxon",
  "SMX, SGX and system management": "getsec encls enclu enclv rsm pconfig",
  MPX: "bndcl bndcn bndcu bndldx bndmk bndmov bndstx",
  "shadow stacks, in the kernel's part": "clrssbsy setssbsy wrussd wrussq",
  "others later than x86-64-v3": "cldemote ptwrite wbnoinvd vgf2p8affineinvqb vgf2p8affineqb vgf2p8mulb",
  XOP:
    "vfrczpd vfrczps vfrczsd vfrczss vpcmov vpcom vpcomb vpcomd vpcomq vpcomub vpcomud vpcomuq vpcomuw vpcomw " +
    "vpermil2pd vpermil2ps vphaddbd vphaddbq vphaddbw vphadddq vphaddubd vphaddubq vphaddubw vphaddudq vphadduwd " +
    "vphadduwq vphaddwd vphaddwq vphsubbw vphsubdq vphsubwd vpmacsdd vpmacsdqh vpmacsdql vpmacssdd vpmacssdqh " +
    "vpmacssdql vpmacsswd vpmacssww vpmacswd vpmacsww vpmadcsswd vpmadcswd vpperm vprotb vprotd vprotq vprotw " +
    "vpshab vpshad vpshaq vpshaw vpshlb vpshlq vpshlw vpshld",
  "AVX-512":
    "v4fmaddps v4fmaddss v4fnmaddps v4fnmaddss valignd valignq vblendmpd vblendmps vbroadcastf32x2 " +
    "vbroadcastf32x4 vbroadcastf32x8 vbroadcastf64x2 vbroadcastf64x4 vbroadcasti32x2 vbroadcasti32x4 " +
    "vbroadcasti32x8 vbroadcasti64x2 vbroadcasti64x4 vcompresspd vcompressps vcvtpd2qq vcvtpd2udq vcvtpd2uqq " +
    "vcvtps2qq vcvtps2udq vcvtps2uqq vcvtqq2pd vcvtqq2ps vcvtsd2usi vcvtss2usi vcvttpd2qq vcvttpd2udq vcvttpd2uqq " +
    "vcvttps2qq vcvttps2udq vcvttps2uqq vcvttsd2usi vcvttss2usi vcvtudq2pd vcvtudq2ps vcvtuqq2pd vcvtuqq2ps " +
    "vcvtusi2sd vcvtusi2ss vdbpsadbw vexp2pd vexp2ps vexpandpd vexpandps vextractf32x4 vextractf32x8 " +
    "vextractf64x2 vextractf64x4 vextracti32x4 vextracti32x8 vextracti64x2 vextracti64x4 vfixupimmpd vfixupimmps " +
    "vfixupimmsd vfixupimmss vfpclasspd vfpclassps vfpclasssd vfpclassss vgatherpf0dpd vgatherpf0dps " +
    "vgatherpf0qpd vgatherpf0qps vgatherpf1dpd vgatherpf1dps vgatherpf1qpd vgatherpf1qps vgetexppd vgetexpps " +
    "vgetexpsd vgetexpss vgetmantpd vgetmantps vgetmantsd vgetmantss vinsertf32x4 vinsertf32x8 vinsertf64x2 " +
    "vinsertf64x4 vinserti32x4 vinserti32x8 vinserti64x2 vinserti64x4 vmovdqa32 vmovdqa64 vmovdqu16 vmovdqu32 " +
    "vmovdqu64 vmovdqu8 vp4dpwssds vp4dpwssd vpabsq vpandd vpandnd vpandnq vpandq vpblendmb vpblendmd vpblendmq " +
    "vpblendmw vpbroadcastmb2q vpbroadcastmw2d vpcmp vpcmpb vpcmpd vpcmpq vpcmpub vpcmpud vpcmpuq vpcmpuw vpcmpw " +
    "vpcompressb vpcompressd vpcompressq vpcompressw vpconflictd vpconflictq vpdpbusds vpdpbusd vpdpwssds " +
    "vpdpwssd vpermb vpermi2b vpermi2d vpermi2pd vpermi2ps vpermi2q vpermi2w vpermt2b vpermt2d vpermt2pd " +
    "vpermt2ps vpermt2q vpermt2w vpermw vpexpandb vpexpandd vpexpandq vpexpandw vplzcntd vplzcntq vpmadd52huq " +
    "vpmadd52luq vpmaxsq vpmaxuq vpminsq vpminuq vpmovb2m vpmovd2m vpmovdb vpmovdw vpmovm2b vpmovm2d vpmovm2q " +
    "vpmovm2w vpmovq2m vpmovqb vpmovqd vpmovqw vpmovsdb vpmovsdw vpmovsqb vpmovsqd vpmovsqw vpmovswb vpmovusdb " +
    "vpmovusdw vpmovusqb vpmovusqd vpmovusqw vpmovuswb vpmovw2m vpmovwb vpmullq vpmultishiftqb vpopcntb vpopcntd " +
    "vpopcntq vpopcntw vpord vporq vprold vprolq vprolvd vprolvq vprord vprorq vprorvd vprorvq vpscatterdd " +
    "vpscatterdq vpscatterqd vpscatterqq vpshldd vpshldq vpshldvd vpshldvq vpshldvw vpshldw vpshrdd vpshrdq " +
    "vpshrdvd vpshrdvq vpshrdvw vpshrdw vpshufbitqmb vpsllvw vpsraq vpsravq vpsravw vpsrlvw vpternlogd vpternlogq " +
    "vptestmb vptestmd vptestmq vptestmw vptestnmb vptestnmd vptestnmq vptestnmw vpxord vpxorq vrangepd vrangeps " +
    "vrangesd vrangess vrcp14pd vrcp14ps vrcp14sd vrcp14ss vrcp28pd vrcp28ps vrcp28sd vrcp28ss vreducepd " +
    "vreduceps vreducesd vreducess vrndscalepd vrndscaleps vrndscalesd vrndscaless vrsqrt14pd vrsqrt14ps " +
    "vrsqrt14sd vrsqrt14ss vrsqrt28pd vrsqrt28ps vrsqrt28sd vrsqrt28ss vscalefpd vscalefps vscalefsd vscalefss " +
    "vscatterdpd vscatterdps vscatterpf0dpd vscatterpf0dps vscatterpf0qpd vscatterpf0qps vscatterpf1dpd " +
    "vscatterpf1dps vscatterpf1qpd vscatterpf1qps vscatterqpd vscatterqps vshuff32x4 vshuff64x2 vshufi32x4 " +
    "vshufi64x2",
};
