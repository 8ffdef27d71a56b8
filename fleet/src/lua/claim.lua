-- ARGV: call, account, token, life of a token, '1' where the node has itself
-- checked the token.
local call, account, life, verified = ARGV[4], ARGV[5], tonumber(ARGV[7]), ARGV[8] == '1'
local card = base .. 'call:' .. call
local found = redis.call('HMGET', card, 'state', 'node', 'tenant', 'cap', 'account', 'from', 'to', 'made')
local state, node, tenant = found[1], found[2], found[3]
if not state then return { 'unknown' } end
if not verified then
  if not redis.call('HGET', card, 'token:' .. ARGV[6]) then return { 'wrong_token' } end
  if found[5] and found[5] ~= '' and found[5] ~= account then return { 'wrong_account' } end
end
if state == 'claimed' or state == 'closed' then return { 'used' } end
if not verified and now - number(found[8]) > life then return { 'expired' } end

local key, count = held(tenant)
local cap = number(found[4])
local full = cap > 0 and count >= cap and not redis.call('ZSCORE', key, call)
local mine = fence()
redis.call('HSET', card, 'state', full and 'closed' or 'claimed', 'node', me, 'fence', text(mine))
redis.call('HDEL', card, 'from', 'to')
redis.call('PEXPIRE', card, text(life + lease))
if node ~= me then
  redis.call('PUBLISH', base .. 'node:' .. node, cjson.encode({ moved = call }))
end
if full then return { 'full' } end
hold(key, call)
return { 'claimed', text(mine), tenant, found[5] or '', found[6] or '', found[7] or '' }
