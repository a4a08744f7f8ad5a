"""The attempts of `sandbox.py`: scripts that must end in an error, by what they try."""


def nil(expression):
    """A global that must not be there."""
    return f"return {expression}"


def assigning(target):
    """An assignment that must not be possible."""
    return f"{target} = function() return 1 end"


# Files, processes, modules, byte code (the class of CVE-2022-0543), what reaches around protection.
ESCAPES = [
    nil(name)
    for name in (
        "io", "os", "os.execute", "debug", "package", "package.loadlib", "require", "module", "loadfile",
        "dofile", "print", "getfenv", "setfenv", "newproxy", "jit", "ffi", "__redis__err__handler", "undefined",
    )
] + [
    "return loadstring(string.dump(function() return 1 end))()",
    "return loadstring('\\27Lua\\81\\0\\1\\4\\8\\4\\8\\0')()",
    "return load(function() return nil end)().x",
    "return string.dump(redis.call).x.y",
]

# Tables that all scripts share (the classes of CVE-2024-46981 and CVE-2025-46818).
PROTECTION = [
    assigning(target)
    for target in (
        "undeclared", "redis", "_G", "KEYS", "redis.call", "redis.pcall", "redis.sha1hex", "cjson.encode",
        "cjson.decode", "cmsgpack.pack", "bit.band", "struct.pack", "string.rep", "table.insert", "math.random",
        "coroutine.create", "tostring", "getmetatable('').__index", "getmetatable('').__gc", "getmetatable(_G).__index",
        "getmetatable(_G).__newindex", "getmetatable(nil).x", "getmetatable(1).x", "getmetatable(print).x",
    )
] + [
    "setmetatable(_G, {})",
    "setmetatable(redis, {})",
    "setmetatable(string, {})",
    "rawset(_G, 'x', 1)",
    "rawset(redis, 'call', 1)",
    "rawset(getmetatable(_G), '__index', {})",
    "rawset(getmetatable(''), '__index', {})",
    "table.insert(redis, 1)",
    "table.insert(_G, 1)",
    "table.sort(string)",
    "table.remove(math)",
]

# Recursion and nesting, in Lua, in C, and in the libraries.
DEPTH = [
    "local function f() return 1 + f() end return f()",
    "local m = {} m.__index = function(t, k) return t[k + 1] end return setmetatable({}, m)[1]",
    "return setmetatable({}, {__concat = function(a, b) return a .. b end}) .. 'x'",
    "local function f(n) return coroutine.wrap(f)(n + 1) end return f(1)",
    "local function f() return string.gsub('a', 'a', f) end return f()",
    "local function f() return table.sort({3, 2, 1}, f) end return f()",
    "local t = {} t[1] = t return cjson.encode(t)",
    "return cjson.decode(('['):rep(100000))",
    "return cjson.decode(('{\"a\":'):rep(100000))",
    "return cmsgpack.unpack(('\\145'):rep(100000))",
    "local t = {} for _ = 1, 5000 do t = {t} end return t",
    "local f, e = loadstring(('('):rep(100000)) error(e)",
    "local f, e = loadstring('return ' .. ('{'):rep(100000)) error(e)",
    "local f, e = loadstring(('a='):rep(300) .. '1') error(e)",
    "local f, e = loadstring('return ' .. ('-'):rep(100000) .. '1') error(e)",
]

# Sizes: memory, results, arguments.
SIZES = [
    "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(100000) .. i end",
    "local s = 'x' while true do s = s .. s end",
    "return string.rep('x', 1e10)",
    "return string.rep('x', 2^31 - 1)",
    "return string.rep('', 1e15):rep(1e15) .. ('x'):rep(1e9)",
    "return string.gsub(('a'):rep(100000), 'a', ('b'):rep(10000))",
    "return string.format('%999d', 1)",
    "return unpack({}, 0, 2^31 - 1)",
    "return unpack({}, -2^31, 2^31 - 1)",
    "return unpack({}, 1, 1e8)",
    "return redis.call('lpush', 'l', unpack({}, 1, 8000))",
    "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
    "return cmsgpack.unpack('\\219\\255\\255\\255\\255')",
    "return cmsgpack.unpack_limit('\\1', -1, 0)",
    "return struct.pack('>I9', 1)",
    "return struct.pack('!3i', 1)",
    "return struct.unpack('i4294967300', 'x')",
    "return struct.unpack('c0', 'x')",
    "return struct.size('c2147483647c2147483647')",
    "return cjson.encode({[1] = 1, [1e9] = 1})",
    "return cjson.encode(0 / 0)",
    "return table.concat({}, 'x', 1, 1e9)",
    "return redis.call('setrange', 'big', 2^40, 'x')",
]

# Patterns that take for ever.
PATTERNS = [
    "return string.find(('a'):rep(60), ('a?'):rep(60) .. ('a'):rep(60) .. 'b')",
    "return string.match(('a'):rep(200000), ('.-'):rep(50) .. 'b')",
    "return string.match(('('):rep(10), ('('):rep(50))",
    "return string.find('x', '[a')",
    "return string.find('x', '%')",
    "return string.find('x', '%f')",
    "return string.gsub('x', 'x', '%')",
    "return string.gsub('x', '(', '')",
]

# The library functions with what they do not take, and commands that scripts may not run.
MISUSE = [
    "return redis.call()",
    "return redis.call({})",
    "return redis.call('nosuch')",
    "return redis.call('get')",
    "return redis.sha1hex()",
    "return redis.setresp(4)",
    "return redis.log(9, 'x')",
    "return redis.log('x')",
    "return redis.set_repl(77)",
    "return redis.acl_check_cmd('nosuch')",
    "return redis.register_function('f', function() end)",
    "return redis.error_reply({})",
    "return math.random(0)",
    "return math.random(2, 1)",
    "return bit.band({})",
    "return bit.tohex({})",
    "return cjson.decode('{')",
    "return cjson.decode('[1,')",
    "return cjson.decode('\"\\\\u12\"')",
    "return cjson.encode(function() end)",
    "return cjson.encode_max_depth(1e9)",
    "return cmsgpack.pack()",
    "return cmsgpack.unpack('\\193')",
    "return coroutine.resume(1)",
    "return tostring()",
    "error()",
    "error({})",
    "error(setmetatable({}, {__tostring = function() error('x') end}))",
] + [
    f"return redis.call({words})"
    for words in (
        "'eval', 'return 1', 0", "'script', 'flush'", "'function', 'flush'", "'multi'", "'exec'", "'watch', 'a'",
        "'subscribe', 'a'", "'blpop', 'a', 0", "'debug', 'sleep', 0", "'shutdown', 'nosave'", "'monitor'", "'hello', 3",
        "'client', 'kill', 'id', 1", "'config', 'set', 'maxmemory', 1", "'save'", "'auth', 'x'",
    )
]

ALL = {
    "escapes": ESCAPES,
    "protection": PROTECTION,
    "depth": DEPTH,
    "sizes": SIZES,
    "patterns": PATTERNS,
    "misuse": MISUSE,
}
