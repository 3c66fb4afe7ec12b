/** /proc/PID/mounts and mountinfo (fs/proc_namespace.c). */
import { majorOf, minorOf } from "../../abi/stat.ts";
import type { Vfs } from "../../vfs/vfs.ts";

/** Blanks and backslashes in octal (mangle()). */
function mangled(text: string): string {
  return text.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function joined(options: string, superOptions: string): string {
  const extra = superOptions.split(",").filter((option) => option !== "rw" && option !== "ro" && option !== "");
  return [options, ...extra].join(",");
}

export function mountsText(vfs: Vfs): string {
  return vfs.mounts
    .map((m) => `${mangled(m.source)} ${mangled(m.mountPoint)} ${m.type} ${joined(m.options, m.superOptions)} 0 0\n`)
    .join("");
}

export function mountInfoText(vfs: Vfs): string {
  return vfs.mounts
    .map((m) => {
      const dev = m.root.inode.sb.dev;
      const device = `${majorOf(dev)}:${minorOf(dev)}`;
      return `${m.id} ${m.parentId} ${device} / ${mangled(m.mountPoint)} ${m.options} - ${m.type} ${mangled(m.source)} ${m.superOptions}\n`;
    })
    .join("");
}

/** /proc/PID/mountstats (show_vfsstat()). */
export function mountStatsText(vfs: Vfs): string {
  return vfs.mounts
    .map((m) => `device ${mangled(m.source)} mounted on ${mangled(m.mountPoint)} with fstype ${m.type}\n`)
    .join("");
}
