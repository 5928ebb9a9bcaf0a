"""The shared counters as Redis scripts: one round trip each, and no two callers can both take the last place.

A counter is a hash of small buckets of time. The sum over a whole window and one bucket more is never above the
allowed number, wherever the venue lets its own windows begin; Redis's clock is everybody's clock.
"""

from __future__ import annotations

_COUNTING = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function buckets_of(key, width, count)
  local oldest, sum, ages = math.floor(now / width) - count, 0, {}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local bucket = tonumber(fields[i])
    if bucket < oldest then
      redis.call('HDEL', key, fields[i])
    else
      sum = sum + tonumber(fields[i + 1])
      ages[#ages + 1] = {bucket, tonumber(fields[i + 1])}
    end
  end
  return sum, ages
end

local function add(key, width, count, amount)
  redis.call('HINCRBY', key, math.floor(now / width), amount)
  redis.call('PEXPIRE', key, width * (count + 2))
end
"""

# KEYS: one counter per limit, then the stops that concern the request. ARGV: how many limits; for each of them its
# cost, allowed number, width of a bucket in ms and buckets in its window.
# Answer: {-1, sum of each counter}, or {0, ms to wait} when stopped, or {number of the limit, ms to wait}.
ADMIT = (
    _COUNTING
    + """
local function wait_until_free(ages, width, count, needed)
  table.sort(ages, function(a, b) return a[1] < b[1] end)
  for _, age in ipairs(ages) do
    needed = needed - age[2]
    if needed <= 0 then return (age[1] + count + 1) * width - now end
  end
  return width * (count + 1)
end

local limits, wait = tonumber(ARGV[1]), 0
for i = limits + 1, #KEYS do
  wait = math.max(wait, redis.call('PTTL', KEYS[i]))
end
if wait > 0 then return {0, wait} end

local answer = {-1}
for i = 1, limits do
  local cost, allowed = tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local width, count = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  local sum, ages = buckets_of(KEYS[i], width, count)
  if cost > 0 and sum + cost > allowed then
    return {i, wait_until_free(ages, width, count, sum + cost - allowed)}
  end
  answer[i + 1] = sum + cost
end
for i = 1, limits do
  local cost = tonumber(ARGV[4 * i - 2])
  if cost > 0 then add(KEYS[i], tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1]), cost) end
end
return answer
"""
)

# The venue has counted more than we: somebody else uses this key or address too. KEYS: a counter. ARGV: what the
# venue told, width, buckets.
RAISE = (
    _COUNTING
    + """
local width, count = tonumber(ARGV[2]), tonumber(ARGV[3])
local missing = tonumber(ARGV[1]) - buckets_of(KEYS[1], width, count)
if missing > 0 then add(KEYS[1], width, count, missing) end
return missing
"""
)

# A stop only ever grows. KEYS: the stop. ARGV: ms.
STOP = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
"""
