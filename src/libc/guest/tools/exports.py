"""Writes image/exports.ABI.txt: every exported symbol of libc.ABI.o and libm.ABI.o with its symbol versions.

One line a symbol: library, name, type, size, versions; the default version first, marked @@. Versions are those under
which glibc exports the name (read from the glibc of the system this runs on); a name that no ABI
of it exports is an error.
"""
import re
import subprocess
import sys

abi, out = sys.argv[1:]
TRIPLETS = {"amd64": "x86_64-linux-gnu", "i386": "i386-linux-gnu"}


def readelf(*args):
    return subprocess.run(["readelf", "-W", *args], check=True, capture_output=True, text=True).stdout


def real_versions(triplet):
    versions = {}
    for library in ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"):
        for line in readelf("--dyn-syms", f"/lib/{triplet}/{library}").splitlines():
            match = re.match(r"\s*\d+: \S+\s+\S+ (\S+)\s+(\S+)\s+\S+\s+(\S+) ([^@\s]+)(@@?)(\S+)", line)
            if match and match[3] != "UND" and not match[6].startswith("GLIBC_PRIVATE"):
                versions.setdefault((library[:4], match[4]), set()).add((match[5], match[6]))
    return versions


def order(item):
    at, name = item
    return (at != "@@", [int(part) for part in re.findall(r"\d+", name)])


real = real_versions(TRIPLETS[abi])
other = real_versions(TRIPLETS["i386" if abi == "amd64" else "amd64"])


def look_up(table, library, name):
    for where in (library, "libp", "libr", "libd"):
        if (where, name) in table:
            return table[where, name]
    return None



lines, unknown, undefined = [], [], set()
defined = {}
for library in ("libc", "libm"):
    try:
        table = readelf("-s", f"{out}/{library}.{abi}.o")
    except subprocess.CalledProcessError:
        continue
    for line in table.splitlines():
        match = re.match(r"\s*\d+: (\S+)\s+(\d+) (\S+)\s+(GLOBAL|WEAK)\s+(\S+)\s+(\S+) (\S+)", line)
        if not match:
            continue
        value, size, kind, bind, visibility, section, name = match.groups()
        if section == "UND":
            undefined.add(name)
            continue
        defined[name] = library
        if visibility != "DEFAULT" or kind == "TLS":
            continue
        found = look_up(real, library, name)
        if not found:
            if not look_up(other, library, name) and not real.keys() & {("libm", name), ("libc", name)}:  # float-parts.c is in both libraries
                unknown.append(f"{library}:{name}")
            continue
        versions = " ".join(at + version for at, version in sorted(found, key=order))
        lines.append(f"{library} {name} {kind} {size} {versions}\n")
with open(f"{out}/exports.{abi}.txt", "w") as file:
    file.writelines(sorted(lines))
missing = sorted(name for name in undefined if name not in defined and name not in ("_GLOBAL_OFFSET_TABLE_", "__curbrk"))
if missing:
    sys.exit(f"{abi}: undefined: {' '.join(missing)}")
if unknown:
    sys.exit(f"{abi}: not exported by glibc: {' '.join(unknown)}")
print(f"{abi}: {len(lines)} exported symbols")
