-- Plays prepared requests from a file: each is its length on a line of its own, then the bytes of the request.
-- The file is read along the way, so it may be larger than the memory that Lua has.
local file, delay_ms, ended

function init(args)
  file = assert(io.open(args[1], "rb"))
  delay_ms = tonumber(args[2])
  math.randomseed(1)
end

-- People and Stripe come when they come: the pauses are those of a Poisson process, so that clients never march in step.
function delay()
  return math.floor(-delay_ms * math.log(1 - math.random()) + 0.5)
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
