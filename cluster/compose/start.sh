#!/bin/sh
# Sets each setting whose value is in a file of its name (a secret), then becomes the command.
set -eu
for file in "${SECRETS:-/run/secrets}"/EAGLERAY_*; do
    if [ -f "$file" ]; then
        export "$(basename "$file")=$(cat "$file")"
    fi
done
exec "$@"
