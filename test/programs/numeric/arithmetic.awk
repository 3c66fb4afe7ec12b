# Formats, functions, powers and remainders of numbers from tiny to huge; runs in every awk with a math library.
function next_number() { state = (state * 69069 + 12345) % 4294967296; return state }
BEGIN {
  state = 7; OFMT = "%.12g"; CONVFMT = "%.17g"
  n = split("0 -0 1 -1 0.1 1e300 1e-300 4.9e-324 1.7976931348623157e308 2.5 3.5 1e15 1e16 123456789012345678 " \
            "9007199254740993 1e22 1e23 5e-5 99999.95 0.000123456789", numbers, " ")
  for (i = 1; i <= 60; i++) numbers[++n] = (next_number() - 2147483648) * exp(next_number() % 200 - 100)
  for (i = 1; i <= n; i++) {
    x = numbers[i] + 0
    y = x > 700 ? 700 : x < -700 ? -700 : x
    positive = x < 0 ? -x : x
    printf "%g %.17g %e %.0f %d %s %5.3g|%-12.4f|%+g|%#g|%012.3e\n", x, x, x, positive < 1e90 ? x : 0, x, x, x, x, x, x, x
    print sin(x), cos(x), atan2(x, 3), exp(y), log(positive + 1), sqrt(positive), int(x), x % 7, x ^ 3, 2 ^ (y / 10)
    printf "%.17g %.17g %.17g %.17g %.17g %s\n", sin(x), exp(y), 1.5 ^ (y / 9), x % 0.7, x / 3, -x
  }
  srand(11); print srand(12)
  for (i = 0; i < 10; i++) print rand(), int(rand() * 1000)
  for (i = 0; i < 500; i++) count[next_number() % 1000]++
  for (key in count) sum += key * count[key]
  for (i = 1; i < 20000; i++) harmonic += 1 / i
  printf "%s %.17g %c %o %x\n", sum, harmonic, 65, 8, 255
}
