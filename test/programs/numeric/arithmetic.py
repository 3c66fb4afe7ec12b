"""Distributions and statistics, every function of math and cmath, fractions, decimals and long integers."""
import cmath
import decimal
import fractions
import math
import random
import statistics
import struct

for seed in (0, "text", 2.5):
    r = random.Random(seed)
    values = [r.random() for _ in range(60)]
    print(seed, sum(values), math.fsum(values), r.getrandbits(300), r.randrange(10**30), r.sample(range(10**6), 10))
    print(r.gauss(1, 2), r.normalvariate(0, 1), r.lognormvariate(0, 0.5), r.expovariate(3), r.vonmisesvariate(1, 2))
    print(r.gammavariate(2, 3), r.gammavariate(0.5, 3), r.betavariate(2, 5), r.paretovariate(3), r.weibullvariate(1, 2))
    print(r.triangular(0, 9, 4), r.choices("abcdef", [1, 2, 3, 4, 5, 6], k=20), r.shuffle(order := list(range(20))), order)
    others = [r.random() + value for value in values]
    for function in ("mean", "fmean", "geometric_mean", "harmonic_mean", "median", "quantiles", "stdev", "pvariance"):
        print(function, getattr(statistics, function)(values))
    print(statistics.covariance(values, others), statistics.correlation(values, others))
    print(statistics.linear_regression(values, others), statistics.NormalDist(3, 2).inv_cdf(values[0]))

NOT_OF_FLOATS = {"comb", "dist", "factorial", "fsum", "gcd", "hypot", "isqrt", "lcm", "perm", "prod", "sumprod"}
FUNCTIONS = [function for name, function in sorted(vars(math).items()) if callable(function) and name not in NOT_OF_FLOATS]
COMPLEX = [cmath.sqrt, cmath.exp, cmath.log, cmath.sin, cmath.tan, cmath.acosh, cmath.atanh, cmath.phase, cmath.polar]
r = random.Random(9)


def attempt(function, *arguments):
    try:
        result = function(*arguments)
    except (TypeError, ValueError, OverflowError) as error:
        return type(error).__name__[0]
    return result.hex() if isinstance(result, float) else result


for i in range(60):
    x, y = struct.unpack("<dd", r.randbytes(16)) if i % 2 else (r.uniform(-20, 20), r.uniform(-5, 5))
    print(x.hex(), repr(x), f"{x:.17e} {x:.30g} {x:g} {x:n}", hash(x), attempt(round, x, 3), attempt(divmod, x, 3.7))
    # floor(), ceil() and trunc() of what is large are large.
    results = [attempt(function, *arguments) for function in FUNCTIONS for arguments in ((x,), (x, y))]
    print([hash(result) if isinstance(result, int) else result for result in results])
    print([attempt(function, complex(x, y)) for function in COMPLEX])
    if 1e-30 < abs(x) < 1e30:
        print(fractions.Fraction(x).limit_denominator(1000), x.as_integer_ratio())

D = decimal.Decimal
decimal.getcontext().prec = 70
print(D(2).ln(), D(3).exp(), D(7).sqrt(), D(10) ** D("0.3"), D(1) / 97, sum(D(1) / i for i in range(1, 100)))
for i in range(20):
    a, b = r.getrandbits(r.randrange(1, 3000)), r.getrandbits(r.randrange(1, 1500)) + 1
    print(a * b % (2**89 - 1), a // b % (2**89 - 1), a % b % 10**20, pow(a, 7, b) % 10**20, math.gcd(a, b))
    print(math.isqrt(a) % 10**9, a**5 % (2**107 - 1), len(str(a)), (a ^ b << 5) % 10**20, attempt(a.__truediv__, b))
print(math.comb(300, 150), str(3**2000)[:50], math.factorial(500) % (2**127 - 1))
