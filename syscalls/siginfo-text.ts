/** strace's text of a siginfo (strace printsiginfo.c). */
import type { Abi } from "../src/abi/abi.ts";
import { SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGIO, SIGSEGV, SIGSYS, SIGTRAP } from "../src/abi/signal.ts";
import { FrameReader } from "../src/kernel/frame-writer.ts";
import { pointerText } from "./strace-text.ts";
import { signalText } from "./struct-text.ts";

const GENERIC_CODES: Readonly<Record<number, string>> = {
  0: "SI_USER",
  128: "SI_KERNEL",
  [-1]: "SI_QUEUE",
  [-2]: "SI_TIMER",
  [-3]: "SI_MESGQ",
  [-4]: "SI_ASYNCIO",
  [-5]: "SI_SIGIO",
  [-6]: "SI_TKILL",
  [-7]: "SI_DETHREAD",
  [-60]: "SI_ASYNCNL",
};

/** Codes 1, 2, … of signals that have their own. */
const OWN_CODES: Readonly<Record<number, readonly string[]>> = {
  [SIGILL]: ["ILLOPC", "ILLOPN", "ILLADR", "ILLTRP", "PRVOPC", "PRVREG", "COPROC", "BADSTK", "BADIADDR"].map(
    (name) => `ILL_${name}`,
  ),
  [SIGFPE]: ["INTDIV", "INTOVF", "FLTDIV", "FLTOVF", "FLTUND", "FLTRES", "FLTINV", "FLTSUB", "DECOVF"].map(
    (name) => `FPE_${name}`,
  ),
  [SIGSEGV]: ["MAPERR", "ACCERR", "BNDERR", "PKUERR", "ACCADI", "ADIDERR", "ADIPERR", "MTEAERR", "MTESERR"].map(
    (name) => `SEGV_${name}`,
  ),
  [SIGBUS]: ["ADRALN", "ADRERR", "OBJERR", "MCEERR_AR", "MCEERR_AO"].map((name) => `BUS_${name}`),
  [SIGTRAP]: ["BRKPT", "TRACE", "BRANCH", "HWBKPT", "UNK", "PERF"].map((name) => `TRAP_${name}`),
  [SIGCHLD]: ["EXITED", "KILLED", "DUMPED", "TRAPPED", "STOPPED", "CONTINUED"].map((name) => `CLD_${name}`),
  [SIGIO]: ["IN", "OUT", "MSG", "ERR", "PRI", "HUP"].map((name) => `POLL_${name}`),
  [SIGSYS]: ["SYS_SECCOMP", "SYS_USER_DISPATCH"],
};

function codeText(signo: number, code: number): string {
  const name = GENERIC_CODES[code] ?? OWN_CODES[signo]?.[code - 1];
  return name ?? `${code === 0 ? "0" : `0x${(code >>> 0).toString(16)}`} /* SI_??? */`;
}

/** `{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}`. */
export function siginfoText(bytes: Uint8Array, abi: Abi): string {
  const from = new FrameReader(bytes);
  const signo = from.i32(0);
  const errno = from.i32(4);
  const code = from.i32(8);
  const fields = [`si_signo=${signalText(signo)}`, `si_code=${codeText(signo, code)}`];
  if (errno !== 0) fields.push(`si_errno=${errno}`);
  fields.push(...(code <= 0 ? userFields(from, abi, code) : kernelFields(from, abi, signo, code)));
  return `{${fields.join(", ")}}`;
}

const unionAt = (abi: Abi): number => (abi === "amd64" ? 16 : 12);

function senderFields(from: FrameReader, abi: Abi): string[] {
  const at = unionAt(abi);
  return [`si_pid=${from.i32(at)}`, `si_uid=${from.u32(at + 4)}`];
}

function wordAt(from: FrameReader, abi: Abi, at: number): number {
  return abi === "amd64" ? from.u64(at) : from.u32(at);
}

function valueField(from: FrameReader, abi: Abi): string {
  const at = unionAt(abi) + 8;
  return `si_int=${from.i32(at)}, si_ptr=${pointerText(wordAt(from, abi, at))}`;
}

/** Codes <= 0: a process sent it. */
function userFields(from: FrameReader, abi: Abi, code: number): string[] {
  const at = unionAt(abi);
  switch (GENERIC_CODES[code]) {
    case "SI_USER":
    case "SI_TKILL":
      return senderFields(from, abi);
    case "SI_TIMER":
      return [
        `si_timerid=0x${from.u32(at).toString(16)}`.replace("0x0", "0"),
        `si_overrun=${from.i32(at + 4)}`,
        valueField(from, abi),
      ];
    default: {
      const fields = senderFields(from, abi);
      if (wordAt(from, abi, at + 8) !== 0) fields.push(valueField(from, abi));
      return fields;
    }
  }
}

function kernelFields(from: FrameReader, abi: Abi, signo: number, code: number): string[] {
  const at = unionAt(abi);
  switch (signo) {
    case SIGCHLD: {
      const status = from.i32(at + 8);
      const times = abi === "amd64" ? [from.i64(at + 16), from.i64(at + 24)] : [from.i32(at + 12), from.i32(at + 16)];
      const shown = code === 1 ? String(status) : signalText(status);
      return [...senderFields(from, abi), `si_status=${shown}`, `si_utime=${times[0]}`, `si_stime=${times[1]}`];
    }
    case SIGILL:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
    case SIGTRAP:
      return [`si_addr=${pointerText(wordAt(from, abi, at))}`];
    default: {
      const fields: string[] = [];
      if (from.i32(at) !== 0 || from.u32(at + 4) !== 0) fields.push(...senderFields(from, abi));
      if (wordAt(from, abi, at + 8) !== 0) fields.push(valueField(from, abi));
      return fields;
    }
  }
}
