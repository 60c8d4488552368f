#!/bin/bash
http=$1 https=$2 forbidden=$4
ask() { echo "$1: $(wget --quiet --server-response --tries=1 --timeout=20 --output-document=- "${@:2}" 2>"$TMPDIR/said" || grep 403 "$TMPDIR/said")"; }
ask "http text" "$http/text"
ask "http echo" --post-data=ping "$http/echo"
ask "http redirect" "$http/redirect"
# It reads no variable for its authorities.
ask "https text" --ca-certificate="$SSL_CERT_FILE" "$https/text"
ask "http away" "$http/away"
ask "http forbidden" "http://$forbidden/"
