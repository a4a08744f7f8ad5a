-- What scripts see of Lua: run once in each new state, with the native functions as its argument.
--
-- Plain Lua 5.1 has no read-only tables. A protected table is an empty proxy whose metatable finds
-- everything in the real one and refuses assignments; what could reach around it (rawset,
-- setmetatable, table.insert and the like) is replaced by functions that know the proxies.

local native = ...
local READONLY = "Attempt to modify a readonly table"
local UNKNOWN = "Script attempted to access nonexistent global variable '"

local assert, error, getmetatable, ipairs, next, pairs, pcall = assert, error, getmetatable, ipairs, next, pairs, pcall
local rawequal, rawget, rawset, select, setmetatable, tonumber = rawequal, rawget, rawset, select, setmetatable, tonumber
local tostring, type, unpack, xpcall, collectgarbage, gcinfo = tostring, type, unpack, xpcall, collectgarbage, gcinfo
local concat, insert, remove, sort = table.concat, table.insert, table.remove, table.sort

-- Proxies and the tables that they stand for.
local real = {}
-- What getmetatable answers for proxies that are to have a metatable.
local shown = {}

local function refuse()
    error(READONLY, 2)
end

-- Errors of the language's own functions would name the line here, where they are called.
local function expect_table(name, value)
    if type(value) ~= "table" then
        local found = value == nil and "nil" or type(value)
        error("bad argument #1 to '" .. name .. "' (table expected, got " .. found .. ")", 3)
    end
end

local function protect(content)
    local proxy = setmetatable({}, { __index = content, __newindex = refuse })
    real[proxy] = content
    return proxy
end

-- What a native function raises is a value of the host's: whoever catches it is given what it stands
-- for, a text or a table. Native functions are called directly, as a function in Lua between them
-- and a script would hide the script's line after `return redis.call(…)`.
local function caught(ok, problem, ...)
    if not ok and type(problem) == "userdata" then
        return false, native.unwrap(problem)
    end
    return ok, problem, ...
end

-- ---- the language's own functions that must not reach around proxies ---------------------------

local globals = {}

globals.assert, globals.error, globals.ipairs = assert, error, ipairs

globals.pcall = function(...)
    return caught(pcall(...))
end

globals.xpcall = function(run, handler)
    return xpcall(run, function(problem)
        if type(problem) == "userdata" then
            problem = native.unwrap(problem)
        end
        return handler(problem)
    end)
end
globals.rawequal, globals.select, globals.tonumber, globals.tostring, globals.type = rawequal, select, tonumber, tostring, type
globals.gcinfo, globals._VERSION = gcinfo, _VERSION

local string_metatable = getmetatable("")
local string_metatable_shown

globals.getmetatable = function(...)
    local value = ...
    if value ~= nil and real[value] then
        return shown[value]
    end
    if type(value) == "string" then
        return string_metatable_shown
    end
    return getmetatable(...)
end

globals.setmetatable = function(...)
    local value = ...
    expect_table("setmetatable", value)
    if value ~= nil and real[value] then
        error(READONLY, 0)
    end
    return setmetatable(...)
end

globals.rawset = function(...)
    local value = ...
    expect_table("rawset", value)
    if value ~= nil and real[value] then
        error(READONLY, 0)
    end
    return rawset(...)
end

globals.rawget = function(value, ...)
    expect_table("rawget", value)
    return rawget(value ~= nil and real[value] or value, ...)
end

globals.next = function(value, ...)
    expect_table("next", value)
    return next(value ~= nil and real[value] or value, ...)
end

globals.pairs = function(value, ...)
    expect_table("pairs", value)
    if value ~= nil and real[value] then
        value = real[value]
    end
    return pairs(value, ...)
end

local RESULTS_MAX = 7999

globals.unpack = function(...)
    local list, from, to = ...
    expect_table("unpack", list)
    from, to = tonumber(from or 1), tonumber(to or #list)
    if from and to and (to - from >= RESULTS_MAX or to >= 2147483647 and from <= to) then
        error("too many results to unpack", 2)
    end
    return unpack(...)
end

globals.collectgarbage = function(what, argument)
    if what == nil or what == "collect" or what == "count" or what == "step" then
        return collectgarbage(what, argument)
    end
    return 0
end

globals.loadstring = native.loadstring

globals.load = function(read, name)
    if type(read) ~= "function" then
        error("bad argument #1 to 'load' (function expected)", 2)
    end
    local pieces = {}
    while true do
        local piece = read()
        if piece == nil or piece == "" then
            break
        end
        if type(piece) ~= "string" then
            return nil, "reader function must return a string"
        end
        pieces[#pieces + 1] = piece
    end
    return native.loadstring(concat(pieces), name or "=(load)")
end

-- ---- libraries ---------------------------------------------------------------------------------

local function copy(from)
    local result = {}
    for name, value in pairs(from) do
        result[name] = value
    end
    return result
end

local function guarding(name, run)
    return function(list, ...)
        expect_table(name, list)
        if list ~= nil and real[list] then
            error(READONLY, 2)
        end
        return run(list, ...)
    end
end

local tables = copy(table)
tables.insert, tables.remove, tables.sort = guarding("insert", insert), guarding("remove", remove), guarding("sort", sort)

local strings = copy(string)
strings.find, strings.match, strings.rep = native.find, native.match, native.rep

-- The text that takes a match's place, behind where the match begins and ends.
local function replaced(replacement, subject, first, last, capture, ...)
    if first == nil then
        return nil
    end
    local value
    if type(replacement) == "function" then
        value = replacement(capture, ...)
    else
        value = replacement[capture]
    end
    if not value then
        value = strings.sub(subject, first, last)
    elseif type(value) ~= "string" and type(value) ~= "number" then
        error("invalid replacement value (a " .. type(value) .. ")", 3)
    end
    return first, last, value
end

strings.gsub = function(subject, pattern, replacement, limit)
    local kind = type(replacement)
    if kind ~= "function" and kind ~= "table" then
        return native.gsub(subject, pattern, replacement, limit)
    end
    subject, pattern = tostring(subject), tostring(pattern)
    local pieces, count, at = {}, 0, 1
    while (not limit or count < limit) and at <= #subject + 1 do
        local first, last, value = replaced(replacement, subject, native.find_next(subject, pattern, at))
        if not first then
            break
        end
        pieces[#pieces + 1] = strings.sub(subject, at, first - 1)
        pieces[#pieces + 1] = value
        count = count + 1
        at = last + 1
        if last < first then
            pieces[#pieces + 1] = strings.sub(subject, at, at)
            at = at + 1
        end
        if strings.sub(pattern, 1, 1) == "^" then
            break
        end
    end
    pieces[#pieces + 1] = strings.sub(subject, at)
    return concat(pieces), count
end

-- Functions do not leave as bytes, and no bytes become a function.
strings.dump = function()
    return "\27"
end
strings.gmatch = native.gmatch
strings.gfind = strings.gmatch

local maths = copy(math)
maths.random, maths.randomseed = native.random, native.randomseed

local string_proxy = protect(strings)
string_metatable.__index = string_proxy
string_metatable_shown = protect({ __index = string_proxy })

globals.string, globals.table, globals.math = string_proxy, protect(tables), protect(maths)

local coroutines = copy(coroutine)
local resume = coroutine.resume
coroutines.resume = function(...)
    return caught(resume(...))
end
globals.coroutine = protect(coroutines)
globals.bit, globals.struct, globals.cmsgpack = protect(native.bit), protect(native.struct), protect(native.cmsgpack)

local function json()
    local functions = native.cjson()
    functions.new = function()
        return json()
    end
    return functions
end
globals.cjson = protect(json())

-- ---- redis -------------------------------------------------------------------------------------

local constants = native.constants

local redis = copy(constants)

for _, name in ipairs({ "call", "pcall", "log", "sha1hex", "setresp", "set_repl", "acl_check_cmd" }) do
    redis[name] = native[name]
end

redis.replicate_commands = function()
    return true
end
redis.breakpoint = function()
    return false
end
redis.debug = function() end

local function single(field, ...)
    local text = ...
    if select("#", ...) ~= 1 or type(text) ~= "string" then
        return { err = "ERR wrong number or type of arguments" }
    end
    if field == "err" then
        text = native.error_text(text)
    end
    return { [field] = text }
end

redis.error_reply = function(...)
    return single("err", ...)
end

redis.status_reply = function(...)
    return single("ok", ...)
end

globals.redis = protect(redis)

-- ---- what a script runs in ---------------------------------------------------------------------

local function unknown(_, name)
    error(UNKNOWN .. tostring(name) .. "'", 2)
end

setmetatable(globals, { __index = unknown })

local environment_metatable = { __index = globals, __newindex = refuse }
local environment = setmetatable({}, environment_metatable)
real[environment] = globals
shown[environment] = protect({ __index = unknown })
globals._G = environment

-- ---- for the host ------------------------------------------------------------------------------

return {
    environment = environment,
    environment_metatable = environment_metatable,
    globals = globals,
    constants = constants,
    copy = copy,
    log = redis.log,
    protect = protect,
    unknown = unknown,
    run = function(script)
        return xpcall(script, native.describe)
    end,
}
