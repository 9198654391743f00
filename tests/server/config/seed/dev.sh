durable-streams-server dev
