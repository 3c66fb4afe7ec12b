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
# faults: addresses of its own code are part of what it prints, so the programs are kept too.
musl-gcc -static -no-pie -O1 -w -Wl,--build-id=none -s faults.c -o faults.amd64
gcc -m32 -static -no-pie -O1 -w -fno-stack-protector -Wl,--build-id=none -s faults.c -o faults.i386
for program in faults.amd64 faults.i386; do
  setarch -R env -i "./$program" > "$program.stdout"
  gzip -9nf "$program" "$program.stdout"
done
