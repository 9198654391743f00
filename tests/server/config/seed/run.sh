durable-streams-server run --config Caddyfile
