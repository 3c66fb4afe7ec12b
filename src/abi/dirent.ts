/** Directory entry types: Linux include/linux/fs_types.h. */
export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;

/** The d_type of a file mode (S_DT in include/linux/fs_types.h). */
export function dirTypeOf(mode: number): number {
  return (mode >> 12) & 15;
}
