#!/bin/sh
echo '{"works":true}'
