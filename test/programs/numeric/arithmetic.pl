# Formats, functions and integer arithmetic of Perl, pack and unpack, sorting, Math::BigInt.
use strict;
use warnings;
no warnings qw(portable imprecision overflow pack);
use Math::BigInt;

my $state = 1;
sub integer { $state = ($state * 1103515245 + 12345) & 0xffffffff; return $state >> 8 }
sub bits { my $x = unpack("d", pack("LL", integer() << 8 ^ integer(), integer() << 8 ^ integer())); return $x == $x ? $x : 1 }

my $infinity = 9**9**9;
my @special = (0, -0.0, 0.1, 1 / 3, $infinity, -$infinity, $infinity / $infinity, 1.7976931348623157e308, 2.2250738585072014e-308, 1e-310, 5e-324, 2**-52,
  1e22, 1e23, 123456789012345678, 2**53 + 1, 2**63, 2**64, -2**63, 0.5, 1.5, 2.5, 1e-5, 1e-4, 999999.5, 9999995, 2.675);
my @numbers = (@special, map { bits() } 1 .. 40);
for my $x (@numbers) {
  my @formats = ("%g", "%.17g", "%a", "%.3a", "%A", "%e", "%.40g", "%+.5e", "%#g", "%d", "%x", "%o", "%s");
  push @formats, "%.0f", "%30.10f" if abs($x) < 1e50;
  print join(" ", map { $x == $x && abs($x) < $infinity || !/[dxo]/ ? sprintf $_, $x : "-" } @formats), "\n";
}
for my $x (@numbers, map { integer() / 1000 - 8000 } 1 .. 40) {
  my @results = (sin $x, cos $x, exp($x > 700 ? 1 : $x), sqrt(abs $x), log(abs($x) || 1), atan2($x, 2), int($x), $x**0.37,
    1.0000001**$x, $x**3, $x**-2, $x * 3, $x - 0.1, $x / 7);
  print join(" ", map { sprintf "%.17g", $_ } @results), "\n";
}
for (1 .. 40) {
  my ($a, $b) = (integer() * integer(), integer() + 1);
  my @results = ($a % $b, -$a % $b, $a / $b, $a * $b, $a & $b, $a ^ $b << 13, ~$a, $a >> 7);
  { use integer; push @results, -$a % $b, $a / $b, $a * $b * 7919 }
  print "@results\n";
}
my @values = (-3, 200, -3000, 60000, -70000, 4000000000, -5e15, 1.8e19, -9, 9, 3.14, 2.718, 1e300, 258, 66051, 258, 66051, 1e12);
my $packed = pack("cCsSlLqQjJfdFnNvVw", @values);
print unpack("H*", $packed), " ", join(",", unpack("cCsSlLqQjJfdFnNvVw", $packed)), "\n";
print join(",", unpack("%32C*", "hello"), unpack("%64d*", pack("d*", 1.5, 2.5)), unpack("b*", pack("d>", 3.3))), "\n";
my @sorted = sort { $a <=> $b } map { bits() } 1 .. 500;
my @words = sort map { sprintf "%x", integer() } 1 .. 500;
printf "%.17g %.17g %.17g @words[0 .. 5] $words[250] $words[-1]\n", @sorted[0, 250, -1];
my $x = Math::BigInt->new("123456789" x 8);
my $y = Math::BigInt->new("987654321" x 5);
print join(" ", $x * $y, $x / $y, $x % $y, $x->copy->bpow(5), Math::BigInt->new(60)->bfac, $x->copy->bsqrt,
  Math::BigInt::bgcd($x, $y), $y->copy->bmodpow(65537, "1000000007000000009")), "\n";
srand(42);
print join(" ", map { rand } 1 .. 10), "\n";
