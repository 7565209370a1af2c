#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes powers.c: see powers.h for what is in it.

usage: powers.py OUTPUT
"""
import sys

FIRST, LAST = -292, 324  # POWERS_FIRST and POWERS_LAST
MASK = (1 << 64) - 1


def ceil_shift(number, bits):
    return number << bits if bits >= 0 else -(-number >> -bits)


def significand(exponent):
    """The 128 leading bits of 10^exponent, rounded up."""
    if exponent >= 0:
        return ceil_shift(10 ** exponent, 128 - (10 ** exponent).bit_length())
    divisor = 10 ** -exponent
    return -(-(1 << (127 + divisor.bit_length())) // divisor)


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("/* Written by powers.py. */\n#include \"base/powers.h\"\n\n"
                  "const struct power powers[] = {\n")
        for exponent in range(FIRST, LAST + 1):
            bits = significand(exponent)
            assert bits.bit_length() == 128
            out.write(f"\t{{{bits >> 64:#x}u, {bits & MASK:#x}u}}, /* {exponent} */\n")
        out.write("};\n")


if __name__ == "__main__":
    main()
