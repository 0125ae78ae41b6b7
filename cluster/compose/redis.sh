#!/bin/sh
# Becomes a Redis that keeps nothing on disk and forgets what was not used for longest. Its password comes
# from the secret's file by standard input: in the command every process could read it.
set -eu
exec redis-server - --port "${PORT:-6379}" --save "" --appendonly no --maxmemory 512mb \
    --maxmemory-policy allkeys-lru <<END
requirepass $(cat "${SECRETS:-/run/secrets}/EAGLERAY_REDIS__PASSWORD")
END
