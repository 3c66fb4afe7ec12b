/** Runs a scene: its machine, its program, its draws, at a virtual terminal. */

import { ENOENT } from "../abi/errno.ts";
import { S_IFCHR } from "../abi/stat.ts";
import type { Host, HostStat, HostStdio } from "../host/host.ts";
import { textOf } from "../host/text.ts";
import { isLoadFailure } from "../loader/exec-file.ts";
import type { RandomDraws } from "../loader/random-draws.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import type { MemorySnapshot } from "../report/model/memory.ts";
import { SCENE_MACHINES } from "../scenes/machines.ts";
import type { Scene } from "../scenes/scene.ts";
import { providedDirectory } from "../vfs/vfs.ts";
import { createMachine, loadProblem } from "./create-machine.ts";
import { provideFile } from "./embedded.ts";
import { MomentObserver } from "./moment.ts";

/** /dev/pts/0: major 136. */
const PTS = 136 << 8;
/** A day of 2010. */
const THAT_DAY = { sec: 1_285_340_527, nsec: 0 };

/** A terminal that keeps what is written to it and has nobody typing. */
class VirtualTerminal implements HostStdio {
  readonly #written: string[] = [];

  read(): number {
    return 0;
  }

  write(_fd: number, from: Uint8Array): number {
    this.#written.push(textOf(from));
    return from.length;
  }

  isTerminal(): boolean {
    return true;
  }

  stat(): HostStat {
    return {
      dev: 11,
      ino: 3,
      mode: S_IFCHR | 0o620,
      nlink: 1,
      uid: 1000,
      gid: 5,
      rdev: PTS,
      size: 0,
      blksize: 1024,
      blocks: 0,
      atime: THAT_DAY,
      mtime: THAT_DAY,
      ctime: THAT_DAY,
    };
  }

  windowSize(): { rows: number; cols: number } {
    return { rows: 24, cols: 80 };
  }

  /** All of it, as a binary string. */
  get text(): string {
    return this.#written.join("");
  }
}

export interface SceneRun {
  /** What the terminal shows: the program's output, and the shell's word if a signal ended it. */
  readonly terminal: string;
  /** $? in the shell. */
  readonly status: number | undefined;
  /** The memory while the program sleeps, or at its end. */
  readonly memory: MemorySnapshot | undefined;
}

/** What bash says when a signal ended the command (strsignal of the C library's catalogue); binary strings of UTF-8. */
const SIGNAL_TEXTS = {
  de: {
    3: "Verlassen",
    4: "Ung\xc3\xbcltiger Maschinenbefehl",
    5: "Verfolgungs-/Anhaltepunkt ausgel\xc3\xb6st",
    6: "Abgebrochen",
    7: "Bus-Zugriffsfehler",
    8: "Gleitkomma-Ausnahme",
    9: "Get\xc3\xb6tet",
    11: "Speicherzugriffsfehler",
    15: "Beendet",
  },
  C: {
    3: "Quit",
    4: "Illegal instruction",
    5: "Trace/breakpoint trap",
    6: "Aborted",
    7: "Bus error",
    8: "Floating point exception",
    9: "Killed",
    11: "Segmentation fault",
    15: "Terminated",
  },
} as const satisfies Record<string, Record<number, string>>;

function shellText(signal: number, language: "de" | "C"): string {
  const text = (SIGNAL_TEXTS[language] as Record<number, string>)[signal];
  return text === undefined ? "" : `${text}\n`;
}

function drawsOf(scene: Scene): RandomDraws {
  const atRandom = new Uint8Array(16);
  // AT_RANDOM decides nothing that is shown: any bytes do.
  for (let i = 0; i < atRandom.length; i++) atRandom[i] = (scene.pid * 31 + i * 17) & 255;
  return { randomizeVaSpace: 2, etDynPages: 0, atRandom, ...scene.draws };
}

function environmentOf(scene: Scene): readonly string[] {
  const { environment } = SCENE_MACHINES[scene.machine];
  const variables = { ...environment, ...scene.env, _: scene.argv[0] ?? "" };
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}

/**
 * Runs the program, a host file, to its end; `files` are further host files by guest path. UsageError if it cannot be loaded.
 */
export function runScene(
  scene: Scene,
  profile: MachineProfile,
  host: Host,
  programFile: string,
  files: Readonly<Record<string, string>> = {},
): SceneRun {
  const terminal = new VirtualTerminal();
  // The terminal's name is not that of folio's own standard streams.
  const fs = { ...bound(host), readlink: (path: string) => ownLink(host, path) };
  const moment = new MomentObserver("sleep");
  const machine = createMachine({
    profile,
    host: { ...host, fs, stdio: terminal },
    observers: [moment],
    options: {
      libc: "embedded",
      firstPid: scene.pid,
      realtime: THAT_DAY,
      seed: `${scene.machine} ${scene.pid}`,
      draws: () => drawsOf(scene),
      ...(scene.ldSoCacheSize === undefined ? {} : { ldSoCacheSize: scene.ldSoCacheSize }),
    },
  });
  machine.kernel.vfs.provide(scene.cwd, providedDirectory(0o755));
  provideFile(machine.kernel, profile, scene.path, programFile, { mode: 0o755, ino: scene.inode });
  for (const [path, file] of Object.entries(files)) provideFile(machine.kernel, profile, path, file, { mode: 0o755 });
  const task = machine.start({
    path: scene.argv[0]?.includes("/") ? scene.argv[0] : scene.path,
    argv: scene.argv,
    envp: environmentOf(scene),
    cwd: scene.cwd,
  });
  if (isLoadFailure(task)) throw loadProblem(scene.program, task);
  let end = machine.run();
  // The snapshot stops the machine once.
  while (end.reason === "stopped") end = machine.run();
  const signal = (end.status ?? 0) & 0x7f;
  const said = shellText(signal, SCENE_MACHINES[scene.machine].language);
  const status = end.status === undefined ? undefined : signal === 0 ? (end.status >> 8) & 0xff : 128 + signal;
  return { terminal: terminal.text + said, status, memory: moment.snapshot };
}

function bound(host: Host): Host["fs"] {
  const { fs } = host;
  return {
    lstat: (path) => fs.lstat(path),
    readlink: (path) => fs.readlink(path),
    readdir: (path) => fs.readdir(path),
    openRead: (path) => fs.openRead(path),
  };
}

function ownLink(host: Host, path: string): string | number {
  return path.startsWith("/proc/self/fd/") ? -ENOENT : host.fs.readlink(path);
}
