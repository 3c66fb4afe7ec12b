/** Names every skipped test at the end of a run. */
import type { Reporter, TestModule } from "vitest/node";

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests("skipped"))
        lines.push(`  ${module.relativeModuleId}: ${test.fullName}`);
    }
    if (lines.length > 0) process.stdout.write(`\nSkipped (${lines.length}):\n${lines.sort().join("\n")}\n`);
  }
}
