-- ARGV: call, tenant, fence, life of a token. A call that has moved to another
-- node, or has been claimed since, has a higher fence and keeps its slot.
local call, tenant = ARGV[4], ARGV[5]
local card = base .. 'call:' .. call
local found = redis.call('HMGET', card, 'state', 'node', 'fence')
local fenced = number(ARGV[6])
if found[1] and (found[2] ~= me or (fenced ~= 0 and fenced ~= number(found[3]))) then return 0 end
redis.call('ZREM', base .. 'held:' .. tenant, call)
redis.call('HDEL', base .. 'live:' .. me, call)
if found[1] == 'claimed' then
  -- Remembered as used for as long as a token of it could be shown again.
  redis.call('HSET', card, 'state', 'closed')
  redis.call('PEXPIRE', card, ARGV[7])
elseif found[1] == 'reserved' then
  redis.call('HSET', card, 'state', 'released')
end
return 1
