-- ARGV: key, limit, window, member. One more in a window; '0' when it is full.
local key, limit, window = base .. 'rate:' .. ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - window))
if redis.call('ZSCORE', key, ARGV[7]) then return answer('1') end
if redis.call('ZCARD', key) >= limit then return answer('0') end
redis.call('ZADD', key, text(now), ARGV[7])
redis.call('PEXPIRE', key, text(window))
return answer('1')
