-- What every script begins with. KEYS[1] is the prefix of every key, and its
-- hash tag; ARGV[1] is the node that asks, ARGV[2] the lease and ARGV[3] the
-- longest time without a sign of any node, both in milliseconds.
local base, me, lease, gap = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function text(number) return string.format('%.0f', number) end
local function number(found) return tonumber(found or '0') or 0 end

local function settle()
  redis.call('SET', base .. 'settle', text(now + lease), 'PX', lease)
end

-- Nobody came for longer than any node is silent: this Redis is new, or it
-- stood still. Until every node has said what it holds the counts are too low.
if now - number(redis.call('GET', base .. 'beat')) > gap then settle() end
redis.call('SET', base .. 'beat', text(now))

-- How many nodes there are, and whether the counts can be trusted yet.
local function weather()
  redis.call('ZREMRANGEBYSCORE', base .. 'nodes', '-inf', text(now))
  local unsettled = number(redis.call('GET', base .. 'settle')) > now
  return text(redis.call('ZCARD', base .. 'nodes')), unsettled and '1' or '0'
end

local function answer(...)
  local nodes, unsettled = weather()
  return { nodes, unsettled, ... }
end

-- Slots that a tenant holds; those whose lease has run out are free.
local function held(tenant)
  local key = base .. 'held:' .. tenant
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  return key, redis.call('ZCARD', key)
end

local function hold(key, call)
  redis.call('ZADD', key, text(now + lease), call)
  redis.call('PEXPIRE', key, text(lease * 2))
end

-- A number that is higher than any before it, also after this Redis has lost
-- its memory: a late word of an earlier holder is known by its lower one.
local function fence()
  local next = redis.call('INCR', base .. 'fence')
  if next < now then
    next = now
    redis.call('SET', base .. 'fence', text(next))
  end
  return next
end
