/*
 * The embedded libgcc_s.so.1: what programs ask of it besides unwinding. 64-bit arithmetic (GCC internals, "The GCC low-level
 * runtime library"), written for clarity, not speed.
 */
typedef unsigned long long u64;
typedef long long s64;

static u64 divide (u64 n, u64 d, u64 *rest)
{
  u64 quotient = 0, remainder = 0;
  for (int bit = 63; bit >= 0; bit--)
    {
      u64 carry = remainder >> 63;
      remainder = remainder << 1 | (n >> bit & 1);
      if (carry || remainder >= d)
        {
          remainder -= d;
          quotient |= 1ULL << bit;
        }
    }
  *rest = remainder;
  return quotient;
}

#ifdef __i386__
u64 __udivdi3 (u64 n, u64 d) { u64 rest; return divide (n, d, &rest); }
u64 __umoddi3 (u64 n, u64 d) { u64 rest; divide (n, d, &rest); return rest; }
static u64 magnitude (s64 value) { return value < 0 ? -(u64) value : (u64) value; }
s64 __divdi3 (s64 n, s64 d)
{
  u64 rest, quotient = divide (magnitude (n), magnitude (d), &rest);
  return (n < 0) != (d < 0) ? (s64) -quotient : (s64) quotient;
}
s64 __moddi3 (s64 n, s64 d)
{
  u64 rest;
  divide (magnitude (n), magnitude (d), &rest);
  return n < 0 ? (s64) -rest : (s64) rest;
}
#endif

int __popcountdi2 (s64 value)
{
  u64 rest;
  int count = 0;
  for (u64 bits = (u64) value; bits != 0; bits = divide (bits, 2, &rest))
    count += bits & 1;
  return count;
}
