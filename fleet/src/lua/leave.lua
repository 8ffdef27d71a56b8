-- The node ends in good order.
redis.call('ZREM', base .. 'nodes', me)
redis.call('DEL', base .. 'live:' .. me)
return 1
