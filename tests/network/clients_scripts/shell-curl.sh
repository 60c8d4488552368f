#!/bin/bash
http=$1 https=$2 unknown=$3 forbidden=$4
ask() {
  local name=$1 answer status
  shift
  answer=$(curl --silent --show-error --location --max-time 20 "$@" 2>&1)
  status=$?
  if [ $status = 0 ]; then echo "$name: $answer"; else echo "$name: exit $status $answer" | head -n 1; fi
}
proxy=${ALL_PROXY#http://}
for base in "$http" "$https"; do
  scheme=${base%%:*}
  ask "$scheme text" "$base/text"
  ask "$scheme echo" --data ping "$base/echo"
  ask "$scheme redirect" "$base/redirect"
  ask "$scheme chunked" --output /dev/null --write-out '%{size_download}' "$base/chunked"
  ask "$scheme big" --output /dev/null --write-out '%{size_download}' "$base/big"
  ask "$scheme twice" "$base/text" "$base/text"
  ask "$scheme 1.0" --http1.0 "$base/text"
  ask "$scheme socks" --socks5-hostname "$proxy" "$base/text"
  ask "$scheme away" "$base/away"
done
ask "http forbidden" "http://$forbidden/"
ask "https forbidden" "https://$forbidden/"
ask "socks forbidden" --socks5-hostname "$proxy" "http://$forbidden/"
ask "unknown authority" "$unknown/text"
