/**
 * Control-flow graphs of regions and their structured form. WebAssembly has only blocks and loops, so a reducible graph is
 * emitted along its dominator tree: a node is followed by the merge points it dominates, a loop header opens a loop
 * (N. Ramsey, "Beyond Relooper", ICFP 2022, gives the construction). Edges that would make the graph irreducible are cut: they
 * leave the region.
 */

export interface Graph {
  /** Successor lists by node; node 0 is the entry. */
  readonly successors: readonly (readonly number[])[];
  /** A node that ends in a table of branches: each of its successors needs a label of its own. */
  readonly branchTable: number | undefined;
}

export interface Structure {
  /** Position of each node in reverse postorder; -1 if unreachable. */
  readonly order: readonly number[];
  /** Nodes dominated immediately that have two or more forward predecessors, last in order first. */
  readonly merges: readonly (readonly number[])[];
  readonly isLoopHeader: readonly boolean[];
  readonly isMerge: readonly boolean[];
  /** Whether the edge may be taken inside the region (else it must leave it). */
  keeps(from: number, to: number): boolean;
}

/** Analyses the graph; see Structure. */
export function structure(graph: Graph): Structure {
  const { successors } = graph;
  const count = successors.length;
  const rpo = reversePostorder(successors);
  const order = new Array<number>(count).fill(-1);
  for (const [position, node] of rpo.entries()) order[node] = position;
  const predecessors: number[][] = successors.map(() => []);
  for (const node of rpo) for (const next of successors[node] as readonly number[]) predecessors[next]?.push(node);
  const dominator = dominators(rpo, order, predecessors);
  const dominates = (a: number, b: number) => {
    let node = b;
    while ((order[node] as number) > (order[a] as number)) node = dominator[node] as number;
    return node === a;
  };
  const isBack = (from: number, to: number) => (order[to] as number) <= (order[from] as number);
  const keeps = (from: number, to: number) => !isBack(from, to) || dominates(to, from);
  const isLoopHeader = new Array<boolean>(count).fill(false);
  const forward = new Array<number>(count).fill(0);
  for (const node of rpo) {
    for (const next of successors[node] as readonly number[]) {
      if (!keeps(node, next)) continue;
      if (isBack(node, next)) isLoopHeader[next] = true;
      else forward[next] = (forward[next] as number) + 1;
    }
  }
  const isMerge = forward.map((edges) => edges > 1);
  if (graph.branchTable !== undefined && order[graph.branchTable] !== -1) {
    for (const next of successors[graph.branchTable] as readonly number[]) {
      if ((forward[next] as number) > 0) isMerge[next] = true;
    }
  }
  const merges: number[][] = successors.map(() => []);
  for (const node of rpo) if (node !== 0 && isMerge[node]) merges[dominator[node] as number]?.push(node);
  for (const list of merges) list.sort((a, b) => (order[b] as number) - (order[a] as number));
  return { order, merges, isLoopHeader, isMerge, keeps };
}

function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const seen = new Set([0]);
  const out: number[] = [];
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1] as { node: number; next: number };
    const target = (successors[top.node] as readonly number[])[top.next++];
    if (target === undefined) {
      out.push(top.node);
      stack.pop();
    } else if (!seen.has(target)) {
      seen.add(target);
      stack.push({ node: target, next: 0 });
    }
  }
  return out.reverse();
}

/** Immediate dominators (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm"). */
function dominators(rpo: number[], order: number[], predecessors: number[][]): number[] {
  const dominator = new Array<number>(order.length).fill(-1);
  dominator[0] = 0;
  const intersect = (x: number, y: number): number => {
    let [a, b] = [x, y];
    while (a !== b) {
      while ((order[a] as number) > (order[b] as number)) a = dominator[a] as number;
      while ((order[b] as number) > (order[a] as number)) b = dominator[b] as number;
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of rpo) {
      if (node === 0) continue;
      let best = -1;
      for (const from of predecessors[node] as number[]) {
        if (dominator[from] === -1) continue;
        best = best === -1 ? from : intersect(from, best);
      }
      if (best !== dominator[node]) {
        dominator[node] = best;
        changed = true;
      }
    }
  }
  return dominator;
}
