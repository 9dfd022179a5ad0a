-- Posts one JSON body over and over, and ends by writing what was measured as one line of JSON.
function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = args[1]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\n{"rate": %f, "p50": %f, "p99": %f, "errors": %d, "calls": %d}\n',
    summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout,
    summary.requests
  ))
end
