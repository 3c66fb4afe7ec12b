/** What shmctl(2), semctl(2) and msgctl(2) share: struct versions, permissions in and out, texts. */
import type { Abi } from "../src/abi/abi.ts";
import { EFAULT } from "../src/abi/errno.ts";
import { IPC_64, IPC_CREAT, IPC_EXCL, IPC_PRIVATE } from "../src/abi/ipc.ts";
import type { IpcForm } from "../src/abi/ipc-structs.ts";
import type { FieldType, Struct, StructValues } from "../src/abi/struct.ts";
import type { IpcPermissions } from "../src/kernel/ipc/ids.ts";
import type { Task } from "../src/kernel/task.ts";
import { intAs } from "./codecs.ts";
import type { Codec } from "./define.ts";
import { enumText, type NameTable } from "./strace-text.ts";

/** A command with its structs: `version` is what ipc(2) has in IPC_64, which the calls of their own number always mean. */
export interface IpcCommand {
  readonly command: number;
  readonly form: IpcForm;
}

/** compat_ipc_parse_version(): in ipc(2) the command says which structs it means. */
export function parsedCommand(command: number): IpcCommand {
  return { command: command & ~IPC_64, form: command & IPC_64 ? "i386" : "old" };
}

type Members = Record<string, FieldType>;

/** The values of an ipc_perm. */
export function permissionValues(perm: IpcPermissions): Record<string, number> {
  const { key, uid, gid, cuid, cgid, mode, seq } = perm;
  return { key, uid, gid, cuid, cgid, mode, seq };
}

/** copy_to_user of a struct: `result`, or -EFAULT. */
export function put<F extends Members>(
  task: Task,
  address: number,
  struct: Struct<F>,
  values: Partial<StructValues<F>>,
  result = 0,
): number {
  return task.mm.write(address, struct.encode(values)) < 0 ? -EFAULT : result;
}

/** copy_from_user of a struct: its scalars, or -EFAULT. */
export function take<F extends Members>(
  task: Task,
  address: number,
  struct: Struct<F>,
): Record<string, number> | number {
  const bytes = new Uint8Array(struct.size);
  return task.mm.read(address, bytes) < 0 ? -EFAULT : (struct.decode(bytes) as Record<string, number>);
}

const GET_FLAGS: NameTable = [
  [IPC_CREAT, "IPC_CREAT"],
  [IPC_EXCL, "IPC_EXCL"],
];

/** `key_t key`. */
export const key: Codec<number> = intAs("key", (value) =>
  value === IPC_PRIVATE ? "IPC_PRIVATE" : `0x${(value >>> 0).toString(16)}`,
);

/** Flags of a *get call: names, then the mode in octal (strace ipc.c). */
export function getFlags(name: string, more: NameTable = []): Codec<number> {
  return intAs(name, (value) => {
    const parts: string[] = [];
    let rest = value;
    for (const [bit, text] of [...GET_FLAGS, ...more]) {
      if (!(rest & bit)) continue;
      parts.push(text);
      rest &= ~bit;
    }
    const mode = rest === 0 ? "000" : `0${(rest >>> 0).toString(8)}`;
    return [...parts, mode].join("|");
  });
}

/** The command of a *ctl call. */
export function commandOf(names: NameTable, unknown: string): Codec<number> {
  return intAs("cmd", (value) => enumText(value, names, unknown));
}

/** The structs that a call of its own number uses. */
export function formOf(abi: Abi): IpcForm {
  return abi;
}
