/** strace 6.1's text of struct statfs. */
import * as S from "../src/abi/stat.ts";
import type { CallView } from "./define.ts";
import { flagsText, type NameTable, peek } from "./strace-text.ts";

const MAGICS: Readonly<Record<number, string>> = {
  [S.EXT4_SUPER_MAGIC]: "EXT2_SUPER_MAGIC",
  [S.TMPFS_MAGIC]: "TMPFS_MAGIC",
  [S.PROC_SUPER_MAGIC]: "PROC_SUPER_MAGIC",
  [S.SYSFS_MAGIC]: "SYSFS_MAGIC",
  [S.PIPEFS_MAGIC]: "PIPEFS_MAGIC",
  [S.ANON_INODE_FS_MAGIC]: "ANON_INODE_FS_MAGIC",
};

const FLAGS: NameTable = [
  [S.ST_VALID, "ST_VALID"],
  [S.ST_RDONLY, "ST_RDONLY"],
  [S.ST_NOSUID, "ST_NOSUID"],
  [S.ST_NODEV, "ST_NODEV"],
  [S.ST_NOEXEC, "ST_NOEXEC"],
  [S.ST_RELATIME, "ST_RELATIME"],
];

/** All members: strace abbreviates nothing here. */
export function statfsText(address: number, call: CallView, wide: boolean): string | undefined {
  const struct = wide ? S.STATFS64_I386 : S.STATFS[call.abi];
  const bytes = peek(call.task, address, struct.size);
  if (bytes === undefined) return undefined;
  const v = struct.decode(bytes);
  const type = MAGICS[v.f_type] ?? `0x${v.f_type.toString(16)}`;
  const fsid = v.f_fsid.map((word) => (word === 0 ? "0" : `0x${(word >>> 0).toString(16)}`)).join(", ");
  return (
    `{f_type=${type}, f_bsize=${v.f_bsize}, f_blocks=${v.f_blocks}, f_bfree=${v.f_bfree}, f_bavail=${v.f_bavail}, ` +
    `f_files=${v.f_files}, f_ffree=${v.f_ffree}, f_fsid={val=[${fsid}]}, f_namelen=${v.f_namelen}, ` +
    `f_frsize=${v.f_frsize}, f_flags=${flagsText(v.f_flags, FLAGS, "ST_???")}}`
  );
}
