#!/bin/sh
echo unread
