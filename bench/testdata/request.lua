-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0
--
-- Every wrk run of the bench. Arguments after "--":
--   METHOD HEADERS_FILE BODY_FILE TOKENS_FILE
-- A file that is "-" is none. HEADERS_FILE holds "Name: value" lines,
-- TOKENS_FILE one bearer token a line; the requests take them in turn.

local requests, position = {}, 0

local function nextRequest()
  position = position + 1
  if position > #requests then position = 1 end
  return requests[position]
end

function init(args)
  wrk.method = args[1]
  for line in io.lines(args[2]) do
    local name, value = line:match("^([^:]+): (.*)$")
    if name then wrk.headers[name] = value end
  end
  if args[3] ~= "-" then
    local file = assert(io.open(args[3], "rb"))
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
  end
  if args[4] ~= "-" then
    for token in io.lines(args[4]) do
      wrk.headers["Authorization"] = "Bearer " .. token
      requests[#requests + 1] = wrk.format()
    end
    -- Only a global of this name makes wrk ask for each request.
    request = nextRequest
  end
end

-- One line for the harness, in exact numbers; wrk's own report rounds.
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d duration_us=%d p50_us=%d p99_us=%d refused=%d broken=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
