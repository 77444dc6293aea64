#!/bin/sh
# In the place of a worker's Python: says what the file after --file holds, and ends with its stdin.
case "$*" in *'"child": true'*) sleep 600 & esac
while [ "$1" != --file ]; do shift; done
cat "$2"
exec cat - "$2" > /dev/null
