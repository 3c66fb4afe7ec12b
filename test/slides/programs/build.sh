#!/bin/sh
# Rebuilds test/slides/programs/bin: programs of the layout of 2010 that are on no slide, as fixtures/native/build.sh builds the
# lecture's, and two small libraries. Wants gcc with gcc-multilib of Debian 12.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lecture=$here/../../../fixtures/native/lecture2010
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C SOURCE_DATE_EPOCH=0
as='-Wa,-mrelax-relocations=no -Wa,-mx86-used-note=no'
for abi in amd64 i386; do
    case $abi in
    amd64) bits=64 base=GLIBC_2.2.5 emulation=elf_x86_64 page=0x200000 interpreter=/lib64/ld-linux-x86-64.so.2 ;;
    i386) bits=32 base=GLIBC_2.0 emulation=elf_i386 page=0x1000 interpreter=/lib/ld-linux.so.2 ;;
    esac
    parts=$tmp/$abi
    mkdir -p "$parts" "$here/bin/$abi"
    for part in crt1 crti crtbegin csu crtend crtn; do
        gcc -m$bits -DPART_$part=1 $as -c "$lecture/crt-$abi.S" -o "$parts/$part.o"
    done
    { cat "$lecture/libc-symbols.txt"; echo sbrk; } >"$parts/names"
    {
        echo '.text'
        while read -r symbol; do printf '.globl %s\n.type %s, @function\n%s:\n' "$symbol" "$symbol" "$symbol"; done <"$parts/names"
        [ $abi = amd64 ] || printf '.data\n.weak _IO_stdin_used\n.long _IO_stdin_used\n'
        echo '.section .note.GNU-stack, "", @progbits'
    } >"$parts/libc.s"
    { echo "$base { global:" && sed 's/$/;/' "$parts/names" && echo 'local: *; };'; } >"$parts/libc.map"
    gcc -m$bits $as -c "$parts/libc.s" -o "$parts/libc.o"
    ld -m $emulation -shared -soname libc.so.6 --version-script "$parts/libc.map" -o "$parts/libc.so.6" "$parts/libc.o"
    cd "$here"
    for library in eins zwei; do
        gcc -m$bits -fPIC -fno-stack-protector -fcf-protection=none $as -c $library.c -o "$parts/$library.o"
        (cd "$parts" && ld -m $emulation -shared -soname lib$library.so -z noseparate-code -z norelro -z max-page-size=$page \
            -z common-page-size=0x1000 -o lib$library.so $library.o)
        cp "$parts/lib$library.so" bin/$abi/
    done
    for program in zwei-bibliotheken drei-malloc free-malloc brk-mmap printf-malloc nur-printf; do
        libraries=
        [ $program != zwei-bibliotheken ] || libraries='libeins.so libzwei.so'
        gcc -m$bits -w -std=gnu89 -fcommon -fno-pie -fno-stack-protector -fcf-protection=none $as -c $program.c -o "$parts/program.o"
        (cd "$parts" && ld -m $emulation -T "$lecture/$abi.ld" -dynamic-linker $interpreter --eh-frame-hdr \
            --no-ld-generated-unwind-info --hash-style=both --build-id=sha1 -z relro -z lazy -z noexecstack -z noseparate-code \
            -z max-page-size=$page -z common-page-size=0x1000 -o program \
            crt1.o crti.o crtbegin.o program.o $libraries libc.so.6 csu.o crtend.o crtn.o)
        cp "$parts/program" bin/$abi/$program
    done
done
