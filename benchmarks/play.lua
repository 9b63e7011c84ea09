-- Plays prepared requests from a file: each is its length on a line of its own, then the bytes of the request.
-- The file is read along the way, so it may be larger than the memory that Lua has.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long ns; } moment; int clock_gettime(int clock, moment *now);")
local MONOTONIC = 1
local file, apart_ms, next_ms
local moment = ffi.new("moment")

function init(args)
  file = assert(io.open(args[1], "rb"))
  apart_ms = tonumber(args[2])
  math.randomseed(1)
end

local function now_ms()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.s) * 1e3 + tonumber(moment.ns) / 1e6
end

-- People and Stripe come when they come, however long the answer before took: the client that is free sends at the next
-- moment of a Poisson process, and at once when that has passed.
function delay()
  local now = now_ms()
  next_ms = (next_ms or now) - apart_ms * math.log(1 - math.random())
  return math.max(math.floor(next_ms - now + 0.5), 0)
end

function request()
  local length = file:read("*n")
  if not length then
    io.stderr:write("The prepared requests came to an end.\n")
    os.exit(3)
  end
  file:read(1)
  return file:read(length)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nFIGURES {"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
