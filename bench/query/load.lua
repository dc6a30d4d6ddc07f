-- load.lua - wrk's side: one target, or one that is new each time, and the figures as one line of JSON.
-- Arguments: TARGET; a "#" in it becomes a number that no request had before.

local target, before, after
local number = 0

function init(args)
  target = args[1]
  before, after = target:match("^(.*)#(.*)$")
  -- Far from where another run began.
  number = os.time() % 1000000 * 1000000
end

function request()
  if not before then
    return wrk.format(nil, target)
  end
  number = number + 1
  return wrk.format(nil, before .. string.format("%.0f", number) .. after)
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"failed":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
