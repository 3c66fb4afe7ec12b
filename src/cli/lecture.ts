/** `folio lecture`: the main job, see lecture-run.ts. */
import type { Command } from "commander";
import type { LectureOptions } from "./lecture-run.ts";

export function addLectureCommand(program: Command, done: (status: number) => void): void {
  program
    .command("lecture")
    .description("run the lecture's programs; show output, memory map, and whether the real machine gave the same")
    .option("-L, --sysroot <dir>", "where the C library is; on Linux the host's /")
    .option("--build <name>", "only this build, for instance amd64-pie")
    .option("--all", "show output and memory map of every build, not only of the first")
    .action(async (options: LectureOptions) => {
      const { lecture } = await import("./lecture-run.ts");
      done(lecture(options));
    });
}
