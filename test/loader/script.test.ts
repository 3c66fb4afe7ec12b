import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/host/text.ts";
import { BINPRM_BUF_SIZE, parseScriptLine } from "../../src/loader/script.ts";

function head(text: string): Uint8Array {
  const bytes = new Uint8Array(BINPRM_BUF_SIZE);
  bytes.set(bytesOf(text).subarray(0, BINPRM_BUF_SIZE));
  return bytes;
}

describe("parseScriptLine", () => {
  it.each([
    ["#!/bin/sh\necho", "/bin/sh", undefined],
    ["#! \t/bin/sh  -e  -u \t\necho", "/bin/sh", "-e  -u"],
    ["#!/usr/bin/env python3\n", "/usr/bin/env", "python3"],
    ["#!/bin/sh", "/bin/sh", undefined],
    [`#!/bin/sh ${"a".repeat(300)}`, "/bin/sh", "a".repeat(BINPRM_BUF_SIZE - 10)],
  ])("%j", (text, interpreter, argument) => {
    expect(parseScriptLine(head(text))).toEqual({ interpreter, argument });
  });

  it("is undefined without #!", () => {
    expect(parseScriptLine(head("# !/bin/sh\n"))).toBeUndefined();
  });

  it.each(["#!\n", "#!  \t\necho", `#!/${"a".repeat(300)}`])("refuses %j", (text) => {
    expect(parseScriptLine(head(text))).toMatchObject({ errno: 8 });
  });
});
