#!/bin/sh
# What the shell calls itself; busybox's says so in its help.
case "$(readlink /proc/$$/exe)" in *busybox*) shell=busybox ;; *) shell=other ;; esac
printf '{"language":"sh","arguments":%d,"shell":"%s"}\n' "$#" "$shell"
