/** What tasks read and write by system calls (struct task_io_accounting): /proc/PID/io. */
import { IN_ACCESS, IN_MODIFY } from "../abi/inotify.ts";
import { PT_INTERP } from "../elf/constants.ts";
import { phdrSize } from "../elf/program-headers.ts";
import type { ExecPlan } from "../loader/plan.ts";
import { BINPRM_BUF_SIZE } from "../loader/script.ts";
import type { Dentry } from "../vfs/dentry.ts";
import { notifyFile } from "../vfs/notify.ts";
import { asControl, block, type SyscallResult } from "./control.ts";
import type { Task } from "./task.ts";

export class IoCounters {
  #bytesRead = 0;
  #bytesWritten = 0;
  #reads = 0;
  #writes = 0;

  read(bytes: number): void {
    this.#bytesRead += bytes;
    this.#reads++;
  }

  write(bytes: number): void {
    this.#bytesWritten += bytes;
    this.#writes++;
  }

  /** proc_tgid_io_accounting(). Nothing that a guest does reaches a disk. */
  text(): string {
    const characters = `rchar: ${this.#bytesRead}\nwchar: ${this.#bytesWritten}\n`;
    const calls = `syscr: ${this.#reads}\nsyscw: ${this.#writes}\n`;
    return `${characters}${calls}read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n`;
  }
}

/** The result of a read or write of `file`, noted for the task, its process and who watches the file once the call is over. */
export function counted(task: Task, kind: "read" | "write", result: SyscallResult, file?: Dentry): SyscallResult {
  if (typeof result === "number") {
    if (result > 0 && file !== undefined) notifyFile(file, kind === "read" ? IN_ACCESS : IN_MODIFY);
    task.io[kind](Math.max(0, result));
    task.group.io[kind](Math.max(0, result));
    return result;
  }
  const control = asControl(result);
  if (control.kind !== "block" || control.resume === undefined) return result;
  const { resume, interrupted } = control;
  return block({
    ...control,
    resume: (reason) => counted(task, kind, resume(reason), file),
    interrupted: () => {
      const count = interrupted();
      if (count > 0) counted(task, kind, count, file);
      return count;
    },
  });
}

/** kernel_read()s of execve: the start of the file, program headers, the interpreter's name and headers. */
export function countExec(task: Task, { program, interpreter }: ExecPlan): void {
  const tableOf = ({ header, segments }: ExecPlan["program"]) => segments.length * phdrSize(header.is64);
  const sizes = [BINPRM_BUF_SIZE, tableOf(program)];
  if (interpreter !== undefined) {
    const name = program.segments.find(({ p_type }) => p_type === PT_INTERP)?.p_filesz ?? 0;
    sizes.push(name, interpreter.header.e_ehsize, tableOf(interpreter));
  }
  for (const size of sizes) counted(task, "read", size);
}
