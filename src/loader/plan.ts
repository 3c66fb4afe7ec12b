/**
 * The part of execve(2) before the point of no return: finds out what the file is, follows `#!` lines, reads program
 * headers and opens the interpreter. Failures leave the caller as it was (fs/exec.c, fs/binfmt_elf.c load_elf_binary).
 */
import type { Abi } from "../abi/abi.ts";
import { E2BIG, EIO, ELIBBAD, ELOOP, ENOENT, ERRNO_TEXTS } from "../abi/errno.ts";
import { EM_386, EM_486, EM_X86_64, ET_DYN, ET_EXEC, ET_REL, PF_X, PT_GNU_STACK, PT_INTERP } from "../elf/constants.ts";
import {
  ELF64_EHDR_SIZE,
  type ElfHeader,
  hasElfMagic,
  machineName,
  parseHeader,
  readHeaderFields,
} from "../elf/header.ts";
import { type ProgramHeader, phdrSize, readProgramHeader } from "../elf/program-headers.ts";
import { isElfError } from "../elf/reader.ts";
import { textOf } from "../host/text.ts";
import type { KernelGeneration } from "../profiles/kernel-generation.ts";
import {
  type ExecFile,
  failure,
  isLoadFailure,
  type LoadFailure,
  notExecutable,
  type OpenExec,
  readExactly,
} from "./exec-file.ts";
import { BINPRM_BUF_SIZE, parseScriptLine } from "./script.ts";

/** PATH_MAX of include/uapi/linux/limits.h. */
const PATH_MAX = 4096;
/** ELF_MIN_ALIGN-independent cap of load_elf_phdrs(): the table fits in 64 KiB. */
const MAX_PHDR_BYTES = 65536;
/** MAX_ARG_STRLEN: bytes of one string, NUL included. */
const MAX_ARG_STRLEN = 32 * 4096;
const ARG_MAX = 128 * 1024;
/** exec_binprm() gives up after so many `#!` levels. */
const MAX_SCRIPT_DEPTH = 5;

export interface ElfProgram {
  readonly file: ExecFile;
  readonly header: ElfHeader;
  readonly segments: readonly ProgramHeader[];
}

export interface ExecPlan {
  readonly abi: Abi;
  readonly program: ElfProgram;
  /** PT_INTERP's program, usually ld.so. */
  readonly interpreter: ElfProgram | undefined;
  /** PT_GNU_STACK: absent, with X or without. */
  readonly gnuStack: "absent" | "executable" | "non-executable";
  /** READ_IMPLIES_EXEC: every readable mapping is executable. */
  readonly readImpliesExec: boolean;
  /** The path that execve was called with (AT_EXECFN; its base name becomes comm). */
  readonly filename: string;
  /** Arguments after `#!` lines were put in front. */
  readonly argv: readonly string[];
  readonly envp: readonly string[];
}

export interface ExecRequest {
  readonly open: OpenExec;
  readonly filename: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly generation: KernelGeneration;
  /** RLIMIT_STACK in bytes, may be Infinity. */
  readonly stackLimit: number;
}

/** The ABI whose kernel code handles this machine type: elf_check_arch(). */
function abiOf(machine: number, generation: KernelGeneration): Abi | undefined {
  if (machine === EM_X86_64) return generation.kernelBits === 64 ? "amd64" : undefined;
  return machine === EM_386 || machine === EM_486 ? "i386" : undefined;
}

/** Explains to a person why these first bytes are no program; the kernel itself just says ENOEXEC. */
function explain(head: Uint8Array, size: number, generation: KernelGeneration): string {
  if (size === 0) return "the file is empty";
  if (!hasElfMagic(head)) return "neither an ELF program nor a script with a #! line";
  const header = parseHeader(head.subarray(0, Math.min(size, head.length)));
  if (isElfError(header)) return header.error;
  if (header.e_machine === EM_X86_64 && generation.kernelBits === 32) return "a 64-bit program on a 32-bit machine";
  if (header.e_type === ET_REL) return "an object file (.o) that is not linked yet";
  if (header.e_type !== ET_EXEC && header.e_type !== ET_DYN) return `ELF type ${header.e_type} is not a program`;
  return `built for ${machineName(header.e_machine)}, not for x86 or x86-64`;
}

/** load_elf_phdrs(): undefined if the table is not as it has to be. */
function readSegments(file: ExecFile, header: ElfHeader): readonly ProgramHeader[] | undefined {
  const size = phdrSize(header.is64);
  const length = header.e_phnum * size;
  if (header.e_phentsize !== size || length === 0 || length > MAX_PHDR_BYTES) return undefined;
  const bytes = readExactly(file, header.e_phoff, length);
  if (bytes === undefined) return undefined;
  const segments: ProgramHeader[] = [];
  for (let i = 0; i < header.e_phnum; i++) segments.push(readProgramHeader(bytes, i * size, header.is64));
  return segments;
}

/** The program's interpreter path, undefined without PT_INTERP. */
function readInterpreterPath(program: ElfProgram): string | undefined | LoadFailure {
  const segment = program.segments.find((candidate) => candidate.p_type === PT_INTERP);
  if (segment === undefined) return undefined;
  if (segment.p_filesz > PATH_MAX || segment.p_filesz < 2) {
    return notExecutable(`the interpreter's name has ${segment.p_filesz} bytes`);
  }
  const bytes = readExactly(program.file, segment.p_offset, segment.p_filesz);
  if (bytes === undefined) return failure(EIO, "the interpreter's name lies beyond the end of the file");
  if (bytes[bytes.length - 1] !== 0) return notExecutable("the interpreter's name does not end with a NUL");
  return textOf(bytes, 0, bytes.indexOf(0));
}

function openInterpreter(request: ExecRequest, path: string, abi: Abi): ElfProgram | LoadFailure {
  const file = request.open(path);
  if (typeof file === "number") {
    return { ...failure(-file, `its interpreter ${path} cannot be opened`), missingInterpreter: path };
  }
  const head = readExactly(file, 0, ELF64_EHDR_SIZE);
  if (head === undefined) return failure(EIO, `its interpreter ${path} is shorter than an ELF header`);
  const header = readHeaderFields(head, abi === "amd64");
  if (!hasElfMagic(head) || abiOf(header.e_machine, request.generation) !== abi) {
    return failure(ELIBBAD, `its interpreter ${path} is not an ELF file of the same kind`);
  }
  const segments = readSegments(file, header);
  if (segments === undefined) return failure(ELIBBAD, `its interpreter ${path} has no valid program headers`);
  if (header.e_type !== ET_EXEC && header.e_type !== ET_DYN) {
    return failure(ELIBBAD, `its interpreter ${path} is neither ET_EXEC nor ET_DYN`);
  }
  return { file, header, segments };
}

/** The last PT_GNU_STACK decides. */
function gnuStackOf(segments: readonly ProgramHeader[]): ExecPlan["gnuStack"] {
  let state: ExecPlan["gnuStack"] = "absent";
  for (const { p_type, p_flags } of segments) {
    if (p_type === PT_GNU_STACK) state = (p_flags & PF_X) !== 0 ? "executable" : "non-executable";
  }
  return state;
}

function impliesExec(abi: Abi, gnuStack: ExecPlan["gnuStack"], generation: KernelGeneration): boolean {
  if (generation.readImpliesExec === "absent-or-executable") return gnuStack !== "non-executable";
  return abi === "i386" && gnuStack === "absent";
}

/** MAX_ARG_STRLEN for each string, and bprm_stack_limits() for all of them together. */
function checkArgumentSpace(request: ExecRequest, argv: readonly string[]): LoadFailure | undefined {
  const tooLong = failure(E2BIG, "the arguments and environment are too long");
  let bytes = request.filename.length + 1;
  for (const text of [...argv, ...request.envp]) {
    if (text.length + 1 > MAX_ARG_STRLEN) return tooLong;
    bytes += text.length + 1;
  }
  const quarter = request.stackLimit / 4;
  if (request.generation.stack.argCap === "stack-quarter") {
    return bytes > Math.max(ARG_MAX, quarter) ? tooLong : undefined;
  }
  const pointers = (Math.max(argv.length, 1) + request.envp.length) * (request.generation.kernelBits / 8);
  const limit = Math.max(ARG_MAX, Math.min(quarter, 6 * 1024 * 1024));
  return bytes > limit - pointers ? tooLong : undefined;
}

/** The first BINPRM_BUF_SIZE bytes of the file, zero-padded; undefined if it cannot be read. */
function readHead(file: ExecFile): Uint8Array | undefined {
  const head = new Uint8Array(BINPRM_BUF_SIZE);
  return file.read(0, head) < 0 ? undefined : head;
}

/** Resolves scripts and ELF headers; a plan that `loadProgram` can carry out, or why not. */
export function planExec(request: ExecRequest): ExecPlan | LoadFailure {
  let argv = request.argv;
  if (argv.length === 0 && request.generation.stack.insertsEmptyArgv0) argv = [""];
  const first = request.open(request.filename);
  if (typeof first === "number") return failure(-first, `cannot be opened: ${ERRNO_TEXTS[-first]}`);
  let file = first;
  let path = request.filename;
  for (let depth = 0; ; depth++) {
    const tooLong = checkArgumentSpace(request, argv);
    if (tooLong !== undefined) return tooLong;
    const head = readHead(file);
    if (head === undefined) return failure(EIO, "cannot be read");
    const line = parseScriptLine(head);
    if (line === undefined) return planElf(request, file, head, argv);
    if (isLoadFailure(line)) return line;
    if (depth >= MAX_SCRIPT_DEPTH) return failure(ELOOP, "too many #! interpreters of #! interpreters");
    const next = request.open(line.interpreter);
    if (typeof next === "number") {
      return {
        ...failure(-next, `its interpreter ${line.interpreter} cannot be opened`),
        missingInterpreter: line.interpreter,
      };
    }
    argv = [line.interpreter, ...(line.argument === undefined ? [] : [line.argument]), path, ...argv.slice(1)];
    path = line.interpreter;
    file = next;
  }
}

function planElf(
  request: ExecRequest,
  file: ExecFile,
  head: Uint8Array,
  argv: readonly string[],
): ExecPlan | LoadFailure {
  const { generation } = request;
  if (!hasElfMagic(head)) return notExecutable(explain(head, file.size, generation));
  const machine = head[18] | (head[19] << 8);
  const abi = abiOf(machine, generation);
  if (abi === undefined) return notExecutable(explain(head, file.size, generation));
  const header = readHeaderFields(head, abi === "amd64");
  if (header.e_type !== ET_EXEC && header.e_type !== ET_DYN) {
    return notExecutable(explain(head, file.size, generation));
  }
  const segments = readSegments(file, header);
  if (segments === undefined) {
    const strict = parseHeader(head.subarray(0, Math.min(file.size, head.length)));
    return notExecutable(isElfError(strict) ? strict.error : "it has no valid program headers");
  }
  const program: ElfProgram = { file, header, segments };
  const interpreterPath = readInterpreterPath(program);
  if (typeof interpreterPath === "object") return interpreterPath;
  if (interpreterPath === "") return { ...failure(ENOENT, "its interpreter has no name"), missingInterpreter: "" };
  let interpreter: ElfProgram | undefined;
  if (interpreterPath !== undefined) {
    const opened = openInterpreter(request, interpreterPath, abi);
    if (isLoadFailure(opened)) return opened;
    interpreter = opened;
  }
  const gnuStack = gnuStackOf(segments);
  return {
    abi,
    program,
    interpreter,
    gnuStack,
    readImpliesExec: impliesExec(abi, gnuStack, generation),
    filename: request.filename,
    argv,
    envp: request.envp,
  };
}
