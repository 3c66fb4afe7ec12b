/** What the scenes of one machine have in common: who is logged in where. Environment as bash of the time exports it. */
import type { Scene, SceneDraws } from "./scene.ts";

export interface SceneMachine {
  /** In front of a command. */
  readonly prompt: string;
  readonly environment: Readonly<Record<string, string>>;
  /** LC_MESSAGES of the shell. */
  readonly language: "de" | "C";
}

export const SCENE_MACHINES: Readonly<Record<Scene["machine"], SceneMachine>> = {
  ubu64: {
    prompt: "esser@ubu64:~$ ",
    environment: {
      TERM: "xterm",
      SHELL: "/bin/bash",
      USER: "esser",
      MAIL: "/var/mail/esser",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games",
      PWD: "/home/esser",
      LANG: "de_DE.UTF-8",
      SHLVL: "1",
      HOME: "/home/esser",
      LOGNAME: "esser",
    },
    language: "de",
  },
  quadamd: {
    prompt: "[esser@quadamd:tmp]$ ",
    environment: {
      TERM: "xterm",
      SHELL: "/bin/bash",
      USER: "esser",
      PATH: "/usr/local/bin:/usr/bin:/bin:/usr/games",
      PWD: "/tmp",
      LANG: "de_DE.UTF-8",
      SHLVL: "1",
      HOME: "/home/esser",
      LOGNAME: "esser",
    },
    language: "de",
  },
};

/** A program in esser's home directory on the 64-bit machine, with the draws of a day like any other. */
export function onUbu64(program: string, inode: number, pid: number, brkBytes: number): Scene {
  return {
    machine: "ubu64",
    program,
    path: `/home/esser/${program}`,
    inode,
    argv: [`./${program}`],
    cwd: "/home/esser",
    pid,
    draws: { ...ORDINARY, brkBytes },
  };
}

/** Draws of runs whose slide tells nothing of them. */
const ORDINARY: SceneDraws = {
  mmapPages: 0x3c5_a117,
  stackTopPages: 0x4_21b7,
  stackTopBytes: 0x6a0,
  stackBytes: 0x1130,
  vdsoPages: 77,
  brkBytes: 0,
};
