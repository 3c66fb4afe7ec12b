import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Ptmalloc, type PtmallocOptions } from "../../../src/libc/malloc/ptmalloc.ts";
import { mallocVersion } from "../../../src/libc/malloc/versions/all.ts";
import { FakeGuest, type FakeGuestOptions, fakeAddresses } from "./fake-guest.ts";

export type Abi = "i386" | "x86_64";

/** The versions and ABIs for which there are goldens. */
export const MEASURED: readonly (readonly [version: string, abi: Abi])[] = [
  ["2.11.1", "x86_64"],
  ["2.13", "i386"],
  ["2.31", "i386"],
  ["2.31", "x86_64"],
  ["2.36", "i386"],
  ["2.36", "x86_64"],
  ["2.41", "i386"],
  ["2.41", "x86_64"],
  ["2.43", "i386"],
  ["2.43", "x86_64"],
];

export const FIXTURES = new URL("../../../fixtures/native/malloc/", import.meta.url);

export function readFixture(name: string): Uint8Array {
  const bytes = readFileSync(new URL(name, FIXTURES));
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

export function readJson(name: string): unknown {
  return JSON.parse(new TextDecoder().decode(readFixture(name)));
}

/** A process with malloc of a version, before its first call. */
export function newProcess(
  name: string,
  abi: Abi,
  guestOptions: Partial<FakeGuestOptions> = {},
  options: PtmallocOptions = {},
): { guest: FakeGuest; malloc: Ptmalloc; W: 4 | 8 } {
  const version = mallocVersion(name);
  if (version === undefined) throw new Error(`no malloc ${name}`);
  const W = abi === "i386" ? 4 : 8;
  const guest = new FakeGuest({ W, ...guestOptions });
  const malloc = new Ptmalloc(guest, version, W, fakeAddresses(W), options);
  malloc.writeInitialData();
  malloc.writeThreadData();
  if (version.initAtStart) malloc.initialize();
  return { guest, malloc, W };
}

/** Sets libc's idea of the break, as sbrk(0) before the first call does. */
export function askBreak(guest: FakeGuest): void {
  const { curbrk } = fakeAddresses(guest.W);
  if (guest.W === 8) guest.write64(curbrk, guest.breakEnd);
  else guest.write32(curbrk, guest.breakEnd);
}

export function readWord(guest: FakeGuest, address: number): number {
  return guest.W === 8 ? guest.read64(address) : guest.read32(address);
}
