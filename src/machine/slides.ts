/** Replays the lecture's slides: runs each row's scenes and compares what they show. */

import { InternalError, UsageError } from "../base/errors.ts";
import { parseElf } from "../elf/image.ts";
import { isElfError } from "../elf/reader.ts";
import type { Host } from "../host/host.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import { machineByName } from "../profiles/machines/machines.ts";
import { mapsText } from "../report/format/maps.ts";
import { pmapText } from "../report/format/pmap.ts";
import { SIZE_HEADER, sizeRow } from "../report/format/size.ts";
import { sectionSizes } from "../report/model/section-sizes.ts";
import { isShown, type RowReport, type StepReport, verdictOf } from "../report/model/slides.ts";
import { SCENE_MACHINES } from "../scenes/machines.ts";
import type { Scene, SlideRow, SlideStep } from "../scenes/scene.ts";
import { runScene, type SceneRun } from "./scene-run.ts";

/** Where the program of a scene lies on the host: the fixtures' file of a program and a build. */
export type FindProgram = (program: string, build: string) => string;

export function profileOf(scene: Scene): MachineProfile {
  const profile = machineByName(scene.machine);
  if (profile === undefined) throw new InternalError(`no machine ${scene.machine}`);
  return profile;
}

function sizeText(host: Host, file: string, name: string): string {
  const stat = host.fs.lstat(file);
  const opened = host.fs.openRead(file);
  if (typeof stat === "number" || typeof opened === "number") throw new UsageError(`${file}: cannot be read`);
  const bytes = new Uint8Array(stat.size);
  opened.pread(bytes, 0);
  opened.close();
  const image = parseElf(bytes);
  const sizes = isElfError(image) ? image : sectionSizes(image);
  if (isElfError(sizes)) throw new UsageError(`${file}: ${sizes.error}`);
  return `${SIZE_HEADER}\n${sizeRow(sizes, name)}\n`;
}

/** What the slide's view of a run shows. */
export function viewText(step: SlideStep, run: SceneRun): string {
  const { memory } = run;
  if (step.view === "terminal") return run.terminal;
  if (memory === undefined) return "";
  const { pmap, pmapAddressDigits } = profileOf(step.scene);
  return step.view === "maps"
    ? mapsText(memory)
    : pmapText(memory, { flavour: pmap, addressDigits: pmapAddressDigits });
}

function playStep(step: SlideStep, host: Host, find: FindProgram, runs: Map<Scene, SceneRun>): StepReport {
  const { scene } = step;
  const profile = profileOf(scene);
  const file = find(scene.program, profile.abi ?? "amd64");
  let output: string;
  let status: number | undefined = 0;
  if (step.view === "size") output = sizeText(host, file, scene.program);
  else {
    // Two views of one process: it runs once.
    let run = runs.get(scene);
    if (run === undefined) {
      run = runScene(scene, profile, host, file);
      runs.set(scene, run);
    }
    output = viewText(step, run);
    status = run.status;
  }
  const { command, shows } = step;
  const { prompt } = SCENE_MACHINES[scene.machine];
  const exact = isShown(shows, output) && (step.status === undefined || step.status === status);
  return { prompt, command, output, status, shows, expectedStatus: step.status, exact };
}

/** Plays the rows one after the other; `done` is told of each. */
export function playSlides(
  rows: readonly SlideRow[],
  host: Host,
  find: FindProgram,
  done: (report: RowReport) => void = () => undefined,
): readonly RowReport[] {
  const runs = new Map<Scene, SceneRun>();
  return rows.map(({ row, title, steps, open }) => {
    const played = steps.map((step) => playStep(step, host, find, runs));
    const report = { row, title, verdict: verdictOf(played), reason: open, steps: played };
    done(report);
    return report;
  });
}
