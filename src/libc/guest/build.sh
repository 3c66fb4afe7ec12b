#!/bin/sh
# Builds the guest libc: image/libc.ABI.o and image/libm.ABI.o (relocatable, position independent), image/exports.ABI.txt and
# image/sources.sha256. Wants gcc with -m32 support (Debian 12: gcc, gcc-multilib), node and, for the symbol versions, the
# glibc of that system. Afterwards: node ../embedded/link.mjs.
#   build.sh            writes image/
#   build.sh --to DIR   writes elsewhere (to compare)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$here/image
[ "${1:-}" = --to ] && out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
cd "$here"
flags="-std=gnu11 -ffreestanding -nostdinc -isystem $(gcc -print-file-name=include) -fPIC -O2 -fno-strict-aliasing -fwrapv -fexcess-precision=standard
  -fno-omit-frame-pointer -fno-stack-protector -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions
  -fno-tree-loop-distribute-patterns -fcf-protection=none -fno-ident -ffunction-sections -fno-common
  -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-attribute-alias -Wno-missing-attributes -Wno-builtin-declaration-mismatch -Wno-psabi"

build() { # abi, machine flags, directories, result
  abi=$1 machine=$2 dirs=$3 name=$4
  sources=$(find $dirs -name '*.c' -o -name '*.S' | sort)
  case $abi in amd64) other=i386 ;; *) other=amd64 ;; esac
  sources=$(echo "$sources" | grep -v -e "-$other\.")
  objects=$(echo "$sources" | sed "s,/,_,g; s,.*,$work/$abi-&.o,")
  echo "$sources" | FLAGS="$flags $machine" PREFIX="$work/$abi-" xargs -P 2 -I{} sh -c \
    'gcc $FLAGS -c "$1" -o "$PREFIX$(echo "$1" | tr / _).o"' sh {}
  ld -r $5 -T tools/merge.ld -o "$work/$name.$abi.o" $objects
  objcopy --strip-unneeded -R .comment -R .note.gnu.property "$work/$name.$abi.o" "$out/$name.$abi.o"
}
build amd64 "-m64 -march=x86-64" "start string stdio stdlib unix time wide" libc "-m elf_x86_64"
build i386 "-m32 -march=i686" "start string stdio stdlib unix time wide" libc "-m elf_i386"
build amd64 "-m64 -march=x86-64 -DFOLIO_LIBM" "math stdlib/float-parts.c" libm "-m elf_x86_64"
build i386 "-m32 -march=i686 -DFOLIO_LIBM" "math stdlib/float-parts.c" libm "-m elf_i386"
python3 tools/exports.py amd64 "$out"
python3 tools/exports.py i386 "$out"
node ../embedded/inputs.mjs sources > "$out/sources.sha256"
