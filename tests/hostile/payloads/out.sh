#!/bin/sh
# The shell's ways: redirections, builtins, children that outlive it.
echo "BEGIN $HOSTILE_CASE"
case "$HOSTILE_CASE" in
FS) cat "$HOSTILE_SECRET"; echo x > "$HOSTILE_STAGE/untouched.txt" ;;
PS) ( trap '' TERM HUP INT; exec >/dev/null 2>&1 </dev/null; setsid sleep 30 & ) ;;
IS) env; cat /proc/1/environ "/proc/$PPID/environ" ;;
KS) kill -9 "$HOSTILE_VICTIM" ;;
esac
echo "END $HOSTILE_CASE"
