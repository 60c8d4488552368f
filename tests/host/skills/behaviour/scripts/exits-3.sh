#!/bin/bash
echo three >&2
exit 3
