-- ARGV: call. The node on which it lives, or ''.
local found = redis.call('HMGET', base .. 'call:' .. ARGV[4], 'state', 'node')
if found[1] ~= 'claimed' then return '' end
return number(redis.call('ZSCORE', base .. 'nodes', found[2])) > now and found[2] or ''
