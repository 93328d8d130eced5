#!/bin/sh
# layers - who may include whom in src/. A file includes what lies lower, the header of its own
# family, and nothing else but what its row says. TAP; srcdir is the top of the source tree.
#
# One row a module family, the first that matches a file's name counts:
#	layer	names (without .c, .h, .def; * as in the shell)
#	may	"lower": all lower layers; then neighbours of the same layer, each from a row above.
#		"only": no more than the families that follow
#	with	what <headers> it takes: iso (pure: no descriptor, no clock), libc, and libraries
# A file X-private.h is for the family of X alone.
map='
# layer	names			with			may
0	err			iso			only
0	list			iso			only
0	str			iso			only	err
0	buf			iso			only	err str
0	log			libc			only	str buf

1	json*			iso			only	err str buf
1	addr			libc			only	err str
1	eio			iso			only	err str buf json*
1	sio			iso			only	err str buf json*
1	fcgi*			iso,fastcgi.h		only	err str buf
1	origin			iso			only	err str
1	ws			iso,nettle/,wslay/	lower	json*
1	loop*			libc,uv.h		lower

2	conf-file		libc			only	err str
2	conf*			libc			lower	conf-file
2	bell			libc			lower
2	http*			libc			only	err str buf
2	handoff			libc			only	err
2	courier*		libc			only	err handoff conf-file
2	home*			libc			only	err str
2	fs			libc			only
2	door			libc			lower	handoff
2	systemd			libc			lower
2	store-ops		iso			lower
2	store-data		iso			lower	store-ops
2	store			iso			lower	store-ops store-data
2	wire			iso			lower
2	proto			iso			lower
2	gate			iso			lower
2	token			libc,nettle/,uuid/	lower	store
2	rate*			libc			only	err str

3	req			iso			lower
3	conn			libc			lower
3	reply			libc			lower	req conn
3	upgrade			iso			lower	req conn reply
3	sql			libc,sqlite3.h		lower
3	store-sqlite*		libc,uuid/		lower	sql
3	wire-*			iso			lower

4	stream			libc			lower
5	hub*			libc			lower
6	proto-*			libc,uuid/		lower
7	route			libc			lower
7	gate-cgi*		libc			lower	route
7	gate-fcgi*		libc			lower	route
8	service			libc			lower
8	cmd-db			libc			lower
8	cmd-host		libc			lower
8	cmd-tls			libc,nettle/		lower
8	cmd*			libc,json-c/,fcgiapp.h,uuid/	lower	service cmd-db cmd-host cmd-tls
8	main			libc			lower	service cmd*
8	sigpost-cgi		libc			only	courier* handoff
'

# Prints "ok - FILE" or "not ok - FILE: what is wrong" for each file of the directory $1.
check() {
	# shellcheck disable=SC2016
	(cd "$1" && printf '%s' "$map" | "${AWK:-awk}" '
		function family(name,  i) {
			sub(/\.[a-z]+$/, "", name)
			for (i = 1; i <= rows; i++)
				if (name ~ pattern[i])
					return i
			return 0
		}
		function listed(i, name,  k, words, n) {
			n = split(may[i], words, " ")
			for (k = 1; k <= n; k++)
				if (words[k] == name)
					return 1
			return 0
		}
		function iso(header) {
			return header ~ /^(assert|errno|inttypes|limits|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|sys\/types)\.h$/
		}
		function library(header) {
			return header ~ /^(uv\.h|sqlite3\.h|json-c\/|uuid\/|nettle\/|fastcgi\.h|fcgi|hiredis|wslay)/
		}
		function may_take(i, header,  k, words, n) {
			n = split(with[i], words, ",")
			for (k = 1; k <= n; k++)
				if (index(header, words[k]) == 1 ||
				    (words[k] == "libc" && !library(header)) || iso(header))
					return 1
			return 0
		}
		# what is wrong with row i naming `header` in quotes; "" if nothing
		function ours(i, header,  k) {
			if (header == "config.h")
				return ""
			k = family(header)
			if (k == 0)
				return "unknown"
			if (k == i)
				return ""
			if (header ~ /-private\.h$/)
				return "private to " names[k]
			if (listed(i, names[k]) || (only[i] == 0 && layer[k] < layer[i]))
				return ""
			return names[k] " (" layer[k] ") is not for " names[i] " (" layer[i] ")"
		}
		function file(name,  i, line, header, wrong, found) {
			i = family(name)
			if (i == 0)
				return "no row of the map names it"
			seen[i] = 1
			found = ""
			while ((getline line <name) > 0) {
				if (line !~ /^[ \t]*#[ \t]*include[ \t]*["<]/)
					continue
				header = line
				sub(/^[^"<]*["<]/, "", header)
				sub(/[">].*/, "", header)
				if (line ~ /include[ \t]*</)
					wrong = may_take(i, header) ? "" : "not taken by " names[i] " (" with[i] ")"
				else
					wrong = ours(i, header)
				if (wrong != "")
					found = found (found == "" ? "" : "; ") header ": " wrong
			}
			close(name)
			return found
		}
		/^#/ || NF == 0 { next }
		{
			rows++
			layer[rows] = $1
			names[rows] = $2
			with[rows] = $3
			only[rows] = $4 == "only"
			may[rows] = ""
			for (i = 5; i <= NF; i++) {
				may[rows] = may[rows] " " $i
				if (!($i in above))
					print "not ok - map: " $2 " names " $i ", which is no row above"
			}
			above[$2] = 1
			glob = $2
			gsub(/\*/, ".*", glob)
			pattern[rows] = "^" glob "$"
		}
		END {
			command = "ls"
			while ((command | getline name) > 0)
				if (name ~ /\.(c|h|def)$/) {
					wrong = file(name)
					print (wrong == "" ? "ok - " name : "not ok - " name ": " wrong)
				}
			close(command)
			for (i = 1; i <= rows; i++)
				if (!(i in seen))
					print "not ok - map: no file is named " names[i]
		}')
}

# The map must also fail: $1 of a copy gets the line $2, and then exactly that file is refused.
refuses() {
	rm -rf "$tmp/src" && mkdir "$tmp/src" && cp "$src"/*.[ch] "$src"/*.def "$tmp/src" || return
	chmod u+w "$tmp/src"/*	# make distcheck takes the right to write from its sources
	printf '%s\n' "$2" >>"$tmp/src/$1"
	check "$tmp/src" | grep '^not ok' | grep -Fxv -f "$tmp/before" >"$tmp/after"
	if [ "$(wc -l <"$tmp/after")" -eq 1 ] && grep -q "^not ok - $1: " "$tmp/after"; then
		echo "ok - refuses $1 with $2"
	else
		echo "not ok - refuses $1, and it alone, with $2"
	fi
}

self_check() {
	refuses str.h '#include "hub.h"'
	refuses json.c '#include "log.h"'
	refuses json-value.c '#include <unistd.h>'
	refuses fcgi.h ' # include	<time.h>'
	refuses req.c '#include <sqlite3.h>'
	refuses conf.h '#include "bell.h"'
	refuses reply.h '#include "route.h"'
	refuses hub.h '#include "proto-sigver.h"'
	refuses route.c '#include "hub-private.h"'
	refuses sigpost-cgi.c '#include "str.h"'
	refuses courier.h '#include "log.h"'
	refuses conn.c '#include "nowhere.h"'
	refuses another.c '#include "err.h"'
}

src=${srcdir:-.}/src
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
check "$src" >"$tmp/before"
{ cat "$tmp/before"; self_check; } | "${AWK:-awk}" '
	{
		sub(/ok/, "ok " NR)
		print
	}
	END { print "1.." NR }'
