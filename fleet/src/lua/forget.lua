-- ARGV: call, life of a token. No stream may begin this call any more.
local call = ARGV[4]
local card = base .. 'call:' .. call
local found = redis.call('HMGET', card, 'state', 'node', 'tenant')
if found[1] ~= 'reserved' and found[1] ~= 'released' then return 0 end
redis.call('ZREM', base .. 'held:' .. found[3], call)
redis.call('HSET', card, 'state', 'closed')
redis.call('HDEL', card, 'from', 'to')
redis.call('PEXPIRE', card, ARGV[5])
if found[2] ~= me then
  redis.call('PUBLISH', base .. 'node:' .. found[2], cjson.encode({ forgotten = call }))
end
return 1
