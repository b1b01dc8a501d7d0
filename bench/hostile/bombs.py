# Bullpen: modules that are made to hurt whoever loads them. SPDX-License-Identifier: Apache-2.0
"""Each function gives a module's bytes. All but what their case is about is as small as can be, and
each exports `ping`, a function that returns at once."""


def number(value):
    """Unsigned LEB128."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7f
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def vector(items):
    return number(len(items)) + b''.join(items)


def text(value):
    return number(len(value)) + value


def section(kind, content):
    return bytes([kind]) + number(len(content)) + content


def function(code, locals_=()):
    """LOCALS: pairs of count and type."""
    body = vector([number(count) + kind for count, kind in locals_]) + code + b'\x0b'
    return number(len(body)) + body


I32, FUNC = b'\x7f', b'\x60'
NOTHING = FUNC + b'\0\0'
PING = text(b'ping') + b'\0' + number(0)


def module(types=(NOTHING,), functions=(b'\0',), exports=(PING,), bodies=(function(b''),),
           before_exports=b'', behind=b''):
    """By default `ping` alone; the pieces replace parts of that."""
    return (b'\0asm\1\0\0\0' + section(1, vector(types)) + section(3, vector(functions)) +
            before_exports + section(7, vector(exports)) + section(10, vector(bodies)) + behind)


def types():
    """A million function types, all different."""
    kinds = [b'\x7f', b'\x7e', b'\x7d', b'\x7c']

    def parameters(index):
        return b''.join(kinds[(index >> 2 * place) & 3] for place in range(10))
    return module([NOTHING, *(FUNC + number(10) + parameters(i) + b'\0' for i in range(999_999))])


def functions():
    """A million functions that do nothing."""
    count = 1_000_000
    return module(functions=[b'\0'] * count, bodies=[function(b'')] * count)


def data():
    """A data segment of 60 MiB."""
    size = 60 << 20
    memory = section(5, vector([b'\0' + number(size >> 16)]))
    segment = b'\0\x41\0\x0b' + text(b'\x55' * size)
    return module(before_exports=memory, behind=section(11, vector([segment])))


def claims():
    """A memory of 4 GiB and a table of 4 billion elements, both there from the start."""
    table = section(4, vector([b'\x70\0' + number(0xffffffff)]))
    memory = section(5, vector([b'\0' + number(65536)]))
    return module(before_exports=table + memory)


def names():
    """600 exports and as many named functions, each name 99 999 bytes long."""
    def name(index):
        return b'%06d' % index + b'n' * 99_993
    exports = [PING, *(text(name(i)) + b'\0' + number(0) for i in range(300))]
    debug = section(0, text(b'name') + section(1, vector([number(0) + text(name(0) * 300)])))
    return module(exports=exports, behind=debug)


def br_table():
    """One jump with three million targets."""
    table = b'\x41\0\x0e' + number(3_000_000) + b'\0' * 3_000_001
    return module(bodies=[function(b'\x02\x40' + table + b'\x0b')])


def nesting():
    """A million blocks, each inside the one before."""
    count = 1_000_000
    return module(bodies=[function(b'\x02\x40' * count + b'\x0b' * count)])


def compile_time():
    """One function of 73 KB in which two thousand locals live across two thousand loops, so that
    what a compiler keeps for each block grows with the square of the size."""
    count = 2_000

    def local(index):
        return number(index % count)
    code = bytearray()
    for i in range(count):
        # loop: local[i+1] += local[i]; go on at the block's end if local[i+2]
        code += (b'\x03\x40\x20' + local(i) + b'\x20' + local(i + 1) + b'\x6a\x21' + local(i + 1) +
                 b'\x20' + local(i * 7 + 2) + b'\x0d\0' + b'\x02\x40\x20' + local(i * 31) +
                 b'\x0d\0\x20' + local(i) + b'\x21' + local(i * 13) + b'\x0b\x0b')
    for i in range(count):  # all of them are needed until here
        code += b'\x20' + local(i) + b'\x24\0'
    code_of_one = function(bytes(code), [(count, I32)])
    global_ = section(6, vector([I32 + b'\1\x41\0\x0b']))
    bodies = [function(b''), code_of_one]
    return module(functions=[b'\0', b'\0'], bodies=bodies, before_exports=global_)


ALL = {make.__name__: make for make in
       (types, functions, data, claims, names, br_table, nesting, compile_time)}
