#!/bin/bash
# Does nothing: the variable that it is started with does, or does not.
echo "BEGIN $HOSTILE_CASE"
echo "END $HOSTILE_CASE"
