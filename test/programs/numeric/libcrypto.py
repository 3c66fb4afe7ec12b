"""
Every digest and cipher of libcrypto: pseudo-random data of several lengths and alignments, there and back. Modular powers,
multiples of points, signatures and shared secrets.
"""
import ctypes
import zlib

LENGTHS = [0, 17, 111, 1040]
# Ciphers with code for particular processors get all lengths, others these.
FEW_LENGTHS = [17, 64]
SPECIAL = ("AES", "ChaCha", "RC4")
LIBRARY = ctypes.CDLL("libcrypto.so.3")
POINTER, INT, BYTES = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
LENGTH = ctypes.c_int
EVP_CIPHER_CTX_FLAG_WRAP_ALLOW = 1
EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG = 0x10, 0x11
# Its initialisation vector is random.
RANDOM = {"DES3-WRAP"}


def function(name, result, *arguments):
    found = getattr(LIBRARY, name)
    found.restype, found.argtypes = result, arguments
    return found


def algorithms(kind):
    names = set()
    name_of = function(f"EVP_{kind}_get0_name", BYTES, POINTER)
    callback = ctypes.CFUNCTYPE(None, POINTER, POINTER)
    each = function(f"EVP_{kind}_do_all_provided", None, POINTER, callback, POINTER)
    each(None, callback(lambda algorithm, _: names.add(name_of(algorithm).decode())), None)
    return sorted(names - RANDOM)


state = 1


def data(length):
    global state
    out = bytearray()
    while len(out) < length:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out += (state >> 32).to_bytes(4, "little")
    return bytes(out[:length])


load = function("OSSL_PROVIDER_load", POINTER, POINTER, BYTES)
print(*(name for name in (b"default", b"legacy") if load(None, name)))
digest_fetch = function("EVP_MD_fetch", POINTER, POINTER, BYTES, BYTES)
digest_new = function("EVP_MD_CTX_new", POINTER)
digest_free = function("EVP_MD_CTX_free", None, POINTER)
digest_init = function("EVP_DigestInit_ex", INT, POINTER, POINTER, POINTER)
digest_update = function("EVP_DigestUpdate", INT, POINTER, POINTER, ctypes.c_size_t)
digest_final = function("EVP_DigestFinal_ex", INT, POINTER, POINTER, POINTER)
cipher_fetch = function("EVP_CIPHER_fetch", POINTER, POINTER, BYTES, BYTES)
key_length = function("EVP_CIPHER_get_key_length", INT, POINTER)
iv_length = function("EVP_CIPHER_get_iv_length", INT, POINTER)
cipher_new = function("EVP_CIPHER_CTX_new", POINTER)
cipher_free = function("EVP_CIPHER_CTX_free", None, POINTER)
cipher_flags = function("EVP_CIPHER_CTX_set_flags", None, POINTER, INT)
cipher_init = function("EVP_CipherInit_ex", INT, POINTER, POINTER, POINTER, BYTES, BYTES, INT)
cipher_update = function("EVP_CipherUpdate", INT, POINTER, POINTER, POINTER, POINTER, INT)
cipher_final = function("EVP_CipherFinal_ex", INT, POINTER, POINTER, POINTER)
cipher_control = function("EVP_CIPHER_CTX_ctrl", INT, POINTER, INT, INT, POINTER)

pool = data(2048)
source = ctypes.create_string_buffer(pool, len(pool))
target = ctypes.create_string_buffer(4096)


def address(buffer, offset):
    return ctypes.addressof(buffer) + offset


for name in algorithms("MD"):
    digest = digest_fetch(None, name.encode(), None)
    found = []
    for n, length in enumerate(LENGTHS):
        context = digest_new()
        digest_init(context, digest, None)
        first = length // 3
        digest_update(context, address(source, n), first)
        digest_update(context, address(source, n + first), length - first)
        size = ctypes.c_uint()
        found.append(digest_final(context, target, ctypes.addressof(size)))
        found.append(target.raw[: size.value].hex())
        digest_free(context)
    print(name, found[-1], zlib.crc32(repr(found).encode()))


def crypt(name, cipher, key, iv, encrypt, offset, parts, tag=None):
    """What the calls returned, the output, and the tag of ciphers that have one."""
    authenticated = any(part in name for part in ("GCM", "CCM", "OCB", "Poly1305", "SIV"))
    tag_length = 12 if "CCM" in name else 16
    context = cipher_new()
    cipher_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW)
    results = [cipher_init(context, cipher, None, key, iv, encrypt)]
    size = LENGTH()
    if tag is not None and authenticated:
        results.append(cipher_control(context, EVP_CTRL_AEAD_SET_TAG, tag_length, tag))
    if "CCM" in name:
        results.append(cipher_update(context, None, ctypes.byref(size), None, sum(map(len, parts))))
    if authenticated:
        results.append(cipher_update(context, None, ctypes.byref(size), address(source, 7), 13 + offset))
    done = 0
    for part in parts:
        size = LENGTH()
        results.append(cipher_update(context, address(target, offset + done), ctypes.byref(size), part, len(part)))
        done += max(size.value, 0)
    size = LENGTH()
    results.append(cipher_final(context, address(target, offset + done), ctypes.byref(size)))
    output = target.raw[offset : offset + done + size.value]
    made = ctypes.create_string_buffer(tag_length)
    if tag is None and authenticated:
        results.append(cipher_control(context, EVP_CTRL_AEAD_GET_TAG, tag_length, made))
    cipher_free(context)
    return results, output, made.raw


for name in algorithms("CIPHER"):
    # Which ciphers there are depends on the processor.
    state = zlib.crc32(name.encode())
    cipher = cipher_fetch(None, name.encode(), None)
    at_once = any(part in name for part in ("CCM", "CTS", "SIV", "WRAP", "XTS"))
    everything, same = [], 0
    for n, length in enumerate(LENGTHS if name.startswith(SPECIAL) else FEW_LENGTHS):
        plain = pool[n : n + length]
        key, iv = data(key_length(cipher)), data(iv_length(cipher))
        parts = [plain] if at_once else [plain[: length // 3], plain[length // 3 :]]
        made = crypt(name, cipher, key, iv, 1, n % 3, parts)
        back = crypt(name, cipher, key, iv, 0, n % 5, [made[1]], made[2])
        same += back[1] == plain
        everything.append((made, back))
    print(name, same, everything[-1][0][0], zlib.crc32(repr(everything).encode()))

number_new = function("BN_new", POINTER)
number_of = function("BN_bin2bn", POINTER, BYTES, INT, POINTER)
hex_of = function("BN_bn2hex", BYTES, POINTER)
context_new = function("BN_CTX_new", POINTER)
number = lambda length: number_of(data(length), length, None)
odd = lambda length: number_of(data(length - 1) + b"\1", length, None)
power = function("BN_mod_exp_mont_consttime", INT, *[POINTER] * 6)
context, result = context_new(), number_new()
state = 1
for length in (32, 64, 100, 128, 256):
    power(result, number(length), number(length), odd(length), context, None)
    print("power", length, hex_of(result).decode())

# NID_X9_62_prime256v1, NID_secp224r1, NID_secp384r1, NID_secp521r1, NID_sm2, NID_brainpoolP256r1
group_new = function("EC_GROUP_new_by_curve_name", POINTER, INT)
point_new = function("EC_POINT_new", POINTER, POINTER)
multiply = function("EC_POINT_mul", INT, *[POINTER] * 6)
point_hex = function("EC_POINT_point2hex", BYTES, POINTER, POINTER, INT, POINTER)
for curve in (415, 713, 715, 716, 1172, 927):
    group = group_new(curve)
    points = [point_new(group), point_new(group)]
    multiply(group, points[0], number(28), None, None, context)
    multiply(group, points[1], number(28), points[0], number(28), context)
    print("curve", curve, [point_hex(group, point, 4, context).decode() for point in points])

# EVP_PKEY_X25519, X448, ED25519, ED448
raw_key = function("EVP_PKEY_new_raw_private_key", POINTER, INT, POINTER, BYTES, ctypes.c_size_t)
key_context = function("EVP_PKEY_CTX_new", POINTER, POINTER, POINTER)
derive_init = function("EVP_PKEY_derive_init", INT, POINTER)
derive_peer = function("EVP_PKEY_derive_set_peer", INT, POINTER, POINTER)
derive = function("EVP_PKEY_derive", INT, POINTER, POINTER, POINTER)
sign_init = function("EVP_DigestSignInit", INT, *[POINTER] * 5)
sign = function("EVP_DigestSign", INT, POINTER, POINTER, POINTER, BYTES, ctypes.c_size_t)
for kind, length, signs in ((1034, 32, False), (1035, 56, False), (1087, 32, True), (1088, 57, True)):
    key, size = raw_key(kind, None, data(length), length), ctypes.c_size_t(len(target))
    if signs:
        context = digest_new()
        sign_init(context, None, None, None, key)
        done = sign(context, target, ctypes.addressof(size), pool, 100)
    else:
        context = key_context(key, None)
        derive_init(context)
        derive_peer(context, raw_key(kind, None, data(length), length))
        done = derive(context, target, ctypes.addressof(size))
    print("key", kind, done, target.raw[: size.value].hex())
