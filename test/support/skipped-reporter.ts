/** Names every skipped test at the end of a run. */
import type { Reporter, TestModule, Vitest } from "vitest/node";

export default class SkippedReporter implements Reporter {
  #filtered = false;

  /** With -t all that does not match counts as skipped; nobody wants those names. */
  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#filtered) return;
    const lines: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests("skipped"))
        lines.push(`  ${module.relativeModuleId}: ${test.fullName}`);
    }
    if (lines.length > 0) process.stdout.write(`\nSkipped (${lines.length}):\n${lines.sort().join("\n")}\n`);
  }
}
