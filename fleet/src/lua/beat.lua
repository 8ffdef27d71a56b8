-- ARGV: the Redis process that the node is connected to, life of a token, then
-- for each slot that the node holds: call, tenant, fence (0: taken without
-- Redis), and how it looks from outside ('' for one that is only reserved).
-- Another process than the one of before has an older memory, or none.
if redis.call('GET', base .. 'run') ~= ARGV[4] then
  settle()
  redis.call('SET', base .. 'run', ARGV[4])
end
redis.call('ZADD', base .. 'nodes', text(now + lease), me)
local live = base .. 'live:' .. me
redis.call('DEL', live)
local life = tonumber(ARGV[5])
local changes = {}
for i = 6, #ARGV, 4 do
  local call, tenant, fenced, view = ARGV[i], ARGV[i + 1], number(ARGV[i + 2]), ARGV[i + 3]
  local card, key = base .. 'call:' .. call, base .. 'held:' .. tenant
  local found = redis.call('HMGET', card, 'state', 'node', 'fence')
  local others = found[1] and found[2] ~= me and number(found[3]) > fenced
  if others and view ~= '' then
    -- A call that lives here is lost to another node only while that one has it.
    others = found[1] == 'claimed' and number(redis.call('ZSCORE', key, call)) > now
  end
  if others then
    changes[#changes + 1] = call
    changes[#changes + 1] = 'lost'
  else
    -- What was closed elsewhere stays closed to streams; the slot is held.
    if not found[1] or found[2] ~= me or fenced == 0 then
      local mine = (found[1] and found[2] == me) and number(found[3]) or fence()
      local state = view ~= '' and 'claimed' or (found[1] or 'reserved')
      redis.call('HSET', card, 'state', state, 'node', me, 'tenant', tenant, 'fence', text(mine))
      redis.call('HSETNX', card, 'made', text(now))
      changes[#changes + 1] = call
      changes[#changes + 1] = text(mine)
    end
    hold(key, call)
    if redis.call('PTTL', card) < lease + life then redis.call('PEXPIRE', card, text(lease + life)) end
    if view ~= '' then redis.call('HSET', live, call, view) end
  end
end
redis.call('PEXPIRE', live, text(lease))
local nodes, unsettled = weather()
table.insert(changes, 1, unsettled)
table.insert(changes, 1, nodes)
return changes
