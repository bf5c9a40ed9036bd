-- One round trip: rate limit (GCRA), versions, kept reply, idempotency claim.
-- KEYS: 1 limiter, 2 data version, 3 model version, 4 idempotency record
-- ARGV: 1 interval in microseconds, 2 burst, 3 prefix of the kept reply or '', 4 claim or '', 5 lease in ms
-- Reply: {allowed, remaining, retry_after_us, reset_us, data_version, model_version, reply, record}
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local begin = tonumber(redis.call('GET', KEYS[1]) or '0')
if begin < now then begin = now end
local early = begin + interval - burst * interval - now
if early > 0 then
  return {0, 0, math.ceil(early), begin - now, false, false, false, false}
end
local full_at = begin + interval
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
local left = math.floor((burst * interval - (full_at - now)) / interval + 0.000001)
local data, model, reply, record = false, false, false, false
if ARGV[3] ~= '' then
  local versions = redis.call('MGET', KEYS[2], KEYS[3])
  data, model = versions[1], versions[2]
  if data and model then
    reply = redis.call('GET', ARGV[3] .. ':' .. data .. ':' .. model)
  end
end
if ARGV[4] ~= '' then
  record = redis.call('GET', KEYS[4])
  if not record then
    redis.call('SET', KEYS[4], ARGV[4], 'PX', ARGV[5])
  end
end
return {1, left, 0, math.ceil(full_at - now), data, model, reply, record}
