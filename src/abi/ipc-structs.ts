/**
 * Structs of System V IPC as they travel (arch/x86/include/uapi/asm/{shmbuf,sembuf,msgbuf,ipcbuf}.h); `old` are those of
 * i386 before IPC_64, with 16-bit ids (include/uapi/linux/{ipc,shm,sem,msg}.h).
 */
import type { Abi } from "./abi.ts";
import { type FieldType, type Struct, structOf } from "./struct.ts";

/** Which structs a call uses: those of its ABI, or the old ones of i386. */
export type IpcForm = Abi | "old";

/** struct ipc64_perm or ipc_perm; the names of the members are the same in all three. */
function permission(form: IpcForm) {
  const id = form === "old" ? "u16" : "u32";
  const ids = { key: "s32", uid: id, gid: id, cuid: id, cgid: id } as const;
  if (form === "amd64")
    return { ...ids, mode: "u32", seq: "u16", pad: "u16", unused1: "ulong", unused2: "ulong" } as const;
  if (form === "old") return { ...ids, mode: "u16", seq: "u16" } as const;
  const mode = { mode: "u16", pad1: "u16", seq: "u16", pad2: "u16" } as const;
  return { ...ids, ...mode, unused1: "ulong", unused2: "ulong" } as const;
}

/** Times: 64 bits, or two words of which older kernels left the second one empty. */
function times(form: IpcForm, names: readonly string[]): Record<string, FieldType> {
  const fields: Record<string, FieldType> = {};
  for (const name of names) {
    fields[name] = "ulong";
    if (form === "i386") fields[`${name}High`] = "u32";
  }
  return fields;
}

type Layout = Struct<Record<string, FieldType>>;

function layout(form: IpcForm, members: Record<string, FieldType>): Layout {
  return structOf(form === "amd64" ? "amd64" : "i386", { ...permission(form), ...members });
}

/** struct shmid64_ds, shmid_ds. */
export function shmidStruct(form: IpcForm): Layout {
  const at = times(form, ["atime", "dtime", "ctime"]);
  if (form === "old") {
    return layout(form, {
      size: "s32",
      ...at,
      cpid: "u16",
      lpid: "u16",
      nattch: "u16",
      unused: "u16",
      unused2: ["ulong", 2],
    });
  }
  return layout(form, { size: "ulong", ...at, cpid: "s32", lpid: "s32", nattch: "ulong", unused: ["ulong", 2] });
}

/** struct semid64_ds, semid_ds. */
export function semidStruct(form: IpcForm): Layout {
  if (form === "old") return layout(form, { ...times(form, ["otime", "ctime"]), pointers: ["ulong", 4], nsems: "u16" });
  if (form === "i386") {
    return layout(form, { ...times(form, ["otime", "ctime"]), nsems: "ulong", unused: ["ulong", 2] });
  }
  return layout(form, {
    otime: "ulong",
    reserved1: "ulong",
    ctime: "ulong",
    reserved2: "ulong",
    nsems: "ulong",
    unused: ["ulong", 2],
  });
}

/** struct msqid64_ds, msqid_ds. */
export function msqidStruct(form: IpcForm): Layout {
  const at = times(form, ["stime", "rtime", "ctime"]);
  if (form === "old") {
    const sizes = { longBytes: "ulong", longMaxBytes: "ulong", bytes: "u16", count: "u16", maxBytes: "u16" } as const;
    return layout(form, { pointers: ["ulong", 2], ...at, ...sizes, lspid: "u16", lrpid: "u16" });
  }
  const sizes = { bytes: "ulong", count: "ulong", maxBytes: "ulong" } as const;
  return layout(form, { ...at, ...sizes, lspid: "s32", lrpid: "s32", unused: ["ulong", 2] });
}

/** struct shminfo64, shminfo; the two sizes of x86-64 in halves, as they may be beyond exact numbers. */
export function shminfoStruct(form: IpcForm) {
  if (form === "amd64") {
    const counts = { shmmin: "ulong", shmmni: "ulong", shmseg: "ulong" } as const;
    return structOf("amd64", { shmmax: ["u32", 2], ...counts, shmall: ["u32", 2], unused: ["ulong", 4] });
  }
  const words = { shmmax: ["u32", 1], shmmin: "ulong", shmmni: "ulong", shmseg: "ulong", shmall: ["u32", 1] } as const;
  return structOf("i386", { ...words, unused: ["ulong", form === "old" ? 0 : 4] });
}

/** struct shm_info. */
export function shmInfoStruct(abi: Abi): Layout {
  return structOf(abi, {
    used: "s32",
    total: "ulong",
    rss: "ulong",
    swap: "ulong",
    attempts: "ulong",
    successes: "ulong",
  });
}

/** struct seminfo: ten ints. */
export const SEMINFO = structOf("i386", {
  semmap: "s32",
  semmni: "s32",
  semmns: "s32",
  semmnu: "s32",
  semmsl: "s32",
  semopm: "s32",
  semume: "s32",
  semusz: "s32",
  semvmx: "s32",
  semaem: "s32",
});

/** struct msginfo. */
export const MSGINFO = structOf("i386", {
  msgpool: "s32",
  msgmap: "s32",
  msgmax: "s32",
  msgmnb: "s32",
  msgmni: "s32",
  msgssz: "s32",
  msgtql: "s32",
  msgseg: "u16",
});
