-- Every live call of every node whose lease runs: node, view, node, view, …
redis.call('ZREMRANGEBYSCORE', base .. 'nodes', '-inf', text(now))
local found = {}
for _, node in ipairs(redis.call('ZRANGE', base .. 'nodes', 0, -1)) do
  for _, view in ipairs(redis.call('HVALS', base .. 'live:' .. node)) do
    found[#found + 1] = node
    found[#found + 1] = view
  end
end
return found
