/**
 * Scenes: a program run on one of the lecture's machines at one moment, as a recorder would have noted it. What the kernel drew
 * by lot that day is noted as the draw, never as an address that came of it: all addresses follow by the rules of kernel,
 * loader, libc and malloc.
 */

/** The kernel's random numbers of the exec; loader/random-draws.ts says what each moves. */
export interface SceneDraws {
  readonly mmapPages: number;
  readonly stackTopPages: number;
  readonly stackTopBytes: number;
  readonly stackBytes: number;
  readonly vdsoPages: number;
  readonly brkBytes: number;
}

export interface Scene {
  /** Name of a machine profile; it says which build of the program runs. */
  readonly machine: "ubu64" | "quadamd";
  /** Program of the fixtures. */
  readonly program: string;
  /** Where the file lies on the machine, and its inode number. */
  readonly path: string;
  readonly inode: number;
  readonly argv: readonly string[];
  /** Variables beside those of the login. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly pid: number;
  readonly draws: SceneDraws;
  /** Bytes of /etc/ld.so.cache, if not those of the machine. */
  readonly ldSoCacheSize?: number;
}

/**
 * What the user sees of a run: the terminal, or another program's view of the process while it sleeps (`pmap`, `maps`), or of
 * its file (`size`).
 */
export type SceneView = "terminal" | "pmap" | "maps" | "size";

/** One command on a slide and what it shows. */
export interface SlideStep {
  readonly command: string;
  readonly view: SceneView;
  readonly scene: Scene;
  /**
   * The slide's text, as slides/README puts it right. Where the slide is silent, `{address}` stands for a hexadecimal address
   * and `{lines}` for whole lines.
   */
  readonly shows: string;
  /** $? behind the command, where the slide or the rules say it. */
  readonly status?: number;
}

export interface SlideRow {
  readonly row: number;
  readonly title: string;
  /** None: open, with the reason. */
  readonly steps: readonly SlideStep[];
  readonly open?: string;
}
