-- Stores or gives up an idempotency claim, if it is still ours.
-- KEYS: 1 record   ARGV: 1 our claim, 2 record to store or '', 3 time to live in ms
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
