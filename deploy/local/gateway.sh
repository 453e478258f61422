#!/bin/sh
# gateway.sh NGINX ARGUMENT...: becomes this nginx. Workers whose master was killed would keep the port, and
# serve by the old configuration for ever: they are ended first. They are known by their program and by this folder.
for process in /proc/[0-9]*; do
    if [ "$process/exe" -ef "$1" ] && [ "$process/cwd" -ef . ]; then
        kill -KILL "${process#/proc/}"
    fi
done
exec "$@"
