/**
 * Profiles as speedscope reads them (https://www.speedscope.app/file-format-schema.json, "sampled"): for each thread one in
 * instructions and one in real time.
 */
import type { CodeFunction } from "../model/code-modules.ts";
import type { ProfileSample, ThreadProfile } from "../model/profile.ts";

interface Measure {
  readonly title: string;
  readonly unit: "none" | "nanoseconds";
  readonly weight: (sample: ProfileSample) => number;
}

const MEASURES: readonly Measure[] = [
  { title: "instructions", unit: "none", weight: ({ instructions }) => instructions },
  { title: "time", unit: "nanoseconds", weight: ({ ns }) => ns },
];

/** The file's text: UTF-8 as a binary string where names are. */
export function speedscopeJson(name: string, exporter: string, threads: readonly ThreadProfile[]): string {
  const indices = new Map<CodeFunction, number>();
  const stacks = new Map<readonly CodeFunction[], readonly number[]>();
  const indexOf = (frame: CodeFunction): number => {
    let index = indices.get(frame);
    if (index === undefined) indices.set(frame, (index = indices.size));
    return index;
  };
  const stackOf = (stack: readonly CodeFunction[]): readonly number[] => {
    let known = stacks.get(stack);
    if (known === undefined) stacks.set(stack, (known = stack.map(indexOf)));
    return known;
  };
  const profiles = MEASURES.flatMap(({ title, unit, weight }) =>
    threads.map((thread) => {
      const weights = thread.samples.map(weight);
      return {
        type: "sampled",
        name: `${threadName(thread)}: ${title}`,
        unit,
        startValue: 0,
        endValue: weights.reduce((sum, value) => sum + value, 0),
        samples: thread.samples.map(({ stack }) => stackOf(stack)),
        weights,
      };
    }),
  );
  const frames = [...indices.keys()].map(({ name, file }) => (file === undefined ? { name } : { name, file }));
  return `${JSON.stringify({
    $schema: "https://www.speedscope.app/file-format-schema.json",
    name,
    exporter,
    activeProfileIndex: 0,
    shared: { frames },
    profiles,
  })}\n`;
}

function threadName({ name, pid, tid }: ThreadProfile): string {
  return pid === tid ? `${name} (${pid})` : `${name} (${pid}, thread ${tid})`;
}
