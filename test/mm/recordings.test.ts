/** Random calls and touches as the real kernel answered them: results, fault counts, maps, smaps, status. */
import * as fs from "node:fs";
import { expect, it } from "vitest";
import { replay } from "../support/mm-replay.ts";

const FOLDER = new URL("../../fixtures/native/mm/", import.meta.url);
const recordings = fs.readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

it("there are recordings", () => {
  expect(recordings.length).toBeGreaterThan(3);
});

it.each(recordings)("%s", (name) => {
  const lines = fs.readFileSync(new URL(name, FOLDER), "latin1").split("\n");
  expect(replay(lines)).toBeUndefined();
});

it("a wrong result is noticed", () => {
  const lines = fs.readFileSync(new URL(recordings[0], FOLDER), "latin1").split("\n");
  const at = lines.findIndex((line) => line.startsWith("M 0 "));
  lines[at] = lines[at].replace(/ = [0-9a-f]+/, " = 7fffdeadb000");
  expect(replay(lines)?.line).toBe(at + 1);
});
