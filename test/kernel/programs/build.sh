#!/bin/sh
# Rebuilds the programs of the kernel tests and records what they print natively (stdout) and what strace 6.1 says of them.
set -e
cd "$(dirname "$0")"
flags="-O1 -static -nostdlib -nostartfiles -fno-pie -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables
  -fno-omit-frame-pointer -fcf-protection=none -mno-sse -mno-avx -Wl,--build-id=none -s"
gcc $flags frame.c -o frame.amd64
gcc -m32 $flags frame.c -o frame.i386
musl-gcc -static -no-pie -O1 -Wl,--build-id=none -s calls.c -o calls.amd64
for program in frame.amd64 frame.i386 calls.amd64; do
  setarch -R env -i strace -o "$program.strace" "./$program" > "$program.stdout" || test $? = 7
done
