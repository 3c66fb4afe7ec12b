/** The table of supported calls, docs/syscalls.md, from the syscall tables. */
import type { Abi } from "../src/abi/abi.ts";
import type { SyscallTable } from "./define.ts";

const HEADER = `# System calls

Generated from \`syscalls/table.amd64.ts\` and \`syscalls/table.i386.ts\` (\`UPDATE_DOCS=1 npx vitest run test/syscalls\`).
A call that is not listed answers ENOSYS.
`;

/** Markdown: one row a name, with its numbers in both ABIs, its support and what is missing. */
export function syscallDocument(tables: Readonly<Record<Abi, SyscallTable>>): string {
  const rows = new Map<string, { amd64: string; i386: string; support: string; note: string }>();
  for (const abi of ["amd64", "i386"] as const) {
    for (const [number, { name, support, note }] of tables[abi]) {
      const row = rows.get(name) ?? { amd64: "", i386: "", support, note };
      row[abi] = String(number);
      rows.set(name, row);
    }
  }
  const lines = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, row]) => `| ${name} | ${row.amd64} | ${row.i386} | ${row.support} | ${row.note} |`);
  return `${HEADER}\n| call | x86-64 | i386 | support | note |\n| --- | --- | --- | --- | --- |\n${lines.join("\n")}\n`;
}
