-- Libraries of functions: what their texts see while they are loaded, and how their functions are
-- called. Run once in each new state for functions, with the native functions and what the prelude
-- returned as its arguments.

local native, prelude = ...
local copy, constants, protect, unknown = prelude.copy, prelude.constants, prelude.protect, prelude.unknown
local environment, environment_metatable, globals = prelude.environment, prelude.environment_metatable, prelude.globals
local error, ipairs, next, select, setmetatable, type, xpcall = error, ipairs, next, select, setmetatable, type, xpcall

local registered

local FLAGS = {
    ["no-writes"] = true,
    ["allow-oom"] = true,
    ["allow-stale"] = true,
    ["no-cluster"] = true,
    ["allow-cross-slot-keys"] = true,
}

local FIELDS = {
    function_name = { "string", "function_name argument given to redis.register_function must be a string" },
    description = { "string", "description argument given to redis.register_function must be a string" },
    callback = { "function", "callback argument given to redis.register_function must be a function" },
    flags = { "table", "flags argument to redis.register_function must be a table representing function flags" },
}

local function named(arguments)
    if type(arguments) ~= "table" then
        return "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments)."
    end
    for name, value in next, arguments do
        if type(name) ~= "string" then
            return "named argument key given to redis.register_function is not a string"
        end
        local field = FIELDS[name]
        if not field then
            return "unknown argument given to redis.register_function"
        elseif type(value) ~= field[1] then
            return field[2]
        end
    end
    if not arguments.function_name then
        return "redis.register_function must get a function name argument"
    elseif not arguments.callback then
        return "redis.register_function must get a callback argument"
    end
    for _, flag in ipairs(arguments.flags or {}) do
        if not FLAGS[flag] then
            return "unknown flag given"
        end
    end
    return nil, arguments
end

local function positional(name, callback)
    if type(name) ~= "string" then
        return "first argument to redis.register_function must be a string"
    elseif type(callback) ~= "function" then
        return "second argument to redis.register_function must be a function"
    end
    return nil, { function_name = name, callback = callback }
end

local function register(...)
    local count, problem, facts = select("#", ...), nil, nil
    if not registered then
        problem = "redis.register_function can only be called on FUNCTION LOAD command"
    elseif count == 1 then
        problem, facts = named(...)
    elseif count == 2 then
        problem, facts = positional(...)
    else
        problem = "wrong number of arguments to redis.register_function"
    end
    if not problem and not native.is_name(facts.function_name) then
        problem = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
    elseif not problem then
        for _, other in ipairs(registered) do
            if native.same_name(other.function_name, facts.function_name) then
                problem = "Function already exists in the library"
            end
        end
    end
    if problem then
        error({ err = "ERR " .. problem }, 0)
    end
    registered[#registered + 1] = {
        function_name = facts.function_name,
        callback = facts.callback,
        description = facts.description,
        flags = copy(facts.flags or {}),
    }
end

local library_redis = copy(constants)
library_redis.log, library_redis.register_function = prelude.log, register
setmetatable(library_redis, { __index = unknown })

local library_globals = setmetatable({ redis = protect(library_redis) }, { __index = unknown })
library_globals._G = environment

local function end_load()
    environment_metatable.__index = globals
    registered = nil
end

return {
    run_function = function(callback, keys, arguments)
        return xpcall(function()
            return callback(keys, arguments)
        end, native.describe)
    end,
    load_library = function(chunk)
        registered = {}
        environment_metatable.__index = library_globals
        local ok, problem = xpcall(chunk, native.describe)
        local functions = registered
        end_load()
        return ok, problem, functions
    end,
    end_load = end_load,
}
