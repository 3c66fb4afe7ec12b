import { type Heap, IS_MMAPPED } from "./heap.ts";
import { applyEnvironment, setMaxFast } from "./params.ts";

/** malloc_init_state: empty bins, and the unsorted bin as a stand-in for top. */
export function initState(h: Heap, av: number): void {
  for (let i = 1; i < 128; i++) {
    const bin = h.binAt(av, i);
    h.setFd(bin, bin);
    h.setBk(bin, bin);
  }
  if (av !== h.main) h.setNoncontiguous(av);
  if (h.version.fastbins) {
    if (av === h.main || h.version.haveFast === "flags") setMaxFast(h, 16 * h.W);
    h.setHaveFast(av, false);
  }
  h.setTop(av, h.binAt(av, 1));
}

/** The variables' initial values, as libc's data segment holds them before the first call. Call once for a libc made by us. */
export function writeInitialData(h: Heap): void {
  const { m, at, parAt, main, mp, tc } = h;
  m.setWord(main + h.state.next, main);
  if (h.state.attachedThreads >= 0) m.setWord(main + h.state.attachedThreads, 1);
  h.setPar(parAt.topPad, h.version.topPad);
  m.setInt(mp + parAt.nMmapsMax, 65536);
  h.setPar(parAt.mmapThreshold, 128 * 1024);
  h.setPar(parAt.trimThreshold, 128 * 1024);
  if (parAt.arenaTest >= 0) h.setPar(parAt.arenaTest, h.W === 4 ? 2 : 8);
  if (parAt.pagesize >= 0) m.setInt(mp + parAt.pagesize, 4096);
  if (parAt.thpMode >= 0) m.setInt(mp + parAt.thpMode, 3);
  m.setWord(at.narenas, 1);
  m.setInt(at.checkAction, 3);
  if (tc === null) return;
  h.setPar(parAt.tcacheCount, tc.fill);
  h.setPar(parAt.tcacheBins, 64);
  const largest = 63 * h.alignment + h.minSize;
  h.setPar(parAt.tcacheMaxBytes, tc.lazy ? largest + 1 : largest - h.W);
}

/** A new thread's variables; `tcache` of 2.42 points at the dummy. */
export function writeThreadData(h: Heap): void {
  if (h.tc?.lazy) h.m.setWord(h.guest.threadPointer() + h.at.tls.tcache, h.at.tcacheDummy);
}

/** ptmalloc_init, once a process. */
export function ptmallocInit(h: Heap): void {
  const { m, at, tc } = h;
  if (m.int(at.mallocInitialized) > 0) return;
  m.setInt(at.mallocInitialized, 1);
  if (tc !== null && tc.key !== "struct") drawKey(h, tc.key === "random_checked");
  m.setWord(h.guest.threadPointer() + at.tls.threadArena, h.main);
  initState(h, h.main);
  applyEnvironment(h);
}

/** tcache_key_initialize: from the kernel, else from the clock; 2.43 refuses words with few or many one-bits. */
function drawKey(h: Heap, checked: boolean): void {
  const { m, W, at } = h;
  const bytes = m.getrandom(W);
  let low = 0;
  let high = 0;
  const draw = (): void => {
    low = m.randomBits() >>> 0;
    if (W === 8) {
      high = low;
      low = m.randomBits() >>> 0;
    }
  };
  if (bytes !== undefined && bytes.length === W) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, W);
    low = view.getUint32(0, true);
    if (W === 8) high = view.getUint32(4, true);
  } else if (!checked) draw();
  while (checked && weakKey(low, high, W)) draw();
  m.setInt(at.tcacheKey, low);
  if (W === 8) m.setInt(at.tcacheKey + 4, high);
}

function weakKey(low: number, high: number, W: 4 | 8): boolean {
  let ones = 0;
  for (let i = 0; i < 32; i++) ones += ((low >>> i) & 1) + ((high >>> i) & 1);
  const least = 2 * W;
  const small = high === 0 && low <= 0x1000000;
  const large = (W === 4 || high === 0xffffffff) && low >= 0xffffffff - 0x1000000;
  return small || large || ones < least || ones > 8 * W - least;
}

/** musable for the unchecked case: what the program may use of a block, 0 for a free one. */
export function usable(h: Heap, mem: number): number {
  const p = mem - h.header;
  const size = h.chunkSize(p);
  if ((h.bits(p) & IS_MMAPPED) !== 0) return h.version.mmapSizeWithoutHeader ? size - h.W : size - h.header;
  return h.inuse(p) ? size - h.W : 0;
}
