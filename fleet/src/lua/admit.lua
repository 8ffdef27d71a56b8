-- ARGV: call, tenant, cap (-1: no slot is wanted), account, from, to, token,
-- life of a token, number of rates, then for each rate key, limit, window.
local call, tenant, cap = ARGV[4], ARGV[5], tonumber(ARGV[6])
local card = base .. 'call:' .. call
local state = redis.call('HGET', card, 'state')
local spent = state == 'claimed' or state == 'closed'
if state and cap >= 0 and (spent or redis.call('HGET', card, 'node') ~= me) then
  -- Another delivery of the same webhook: the slot is taken once, and any of the
  -- tokens that were given out opens the stream, once.
  if not spent then redis.call('HSET', card, 'token:' .. ARGV[10], '1') end
  return answer('known')
end

local rates = tonumber(ARGV[12])
for i = 0, rates - 1 do
  local key, limit, window = base .. 'rate:' .. ARGV[13 + i * 3], tonumber(ARGV[14 + i * 3]), tonumber(ARGV[15 + i * 3])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - window))
  if not redis.call('ZSCORE', key, call) and redis.call('ZCARD', key) >= limit then
    return answer('limited', text(i))
  end
end
for i = 0, rates - 1 do
  local key, window = base .. 'rate:' .. ARGV[13 + i * 3], ARGV[15 + i * 3]
  redis.call('ZADD', key, 'NX', text(now), call)
  redis.call('PEXPIRE', key, window)
end
if cap < 0 then return answer('counted') end

local key, count = held(tenant)
if cap > 0 and count >= cap and not redis.call('ZSCORE', key, call) then
  return answer('full')
end
local mine = fence()
hold(key, call)
redis.call('HSET', card, 'state', 'reserved', 'node', me, 'tenant', tenant, 'cap', text(cap),
  'account', ARGV[7], 'from', ARGV[8], 'to', ARGV[9], 'fence', text(mine), 'made', text(now),
  'token:' .. ARGV[10], '1')
redis.call('PEXPIRE', card, ARGV[11])
return answer('granted', text(mine))
