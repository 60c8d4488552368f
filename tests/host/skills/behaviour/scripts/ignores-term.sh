#!/bin/bash
trap '' TERM INT HUP
echo deaf
while true; do read -r -t 1000 _ < <(sleep 1000); done
