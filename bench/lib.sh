# lib.sh: servers and load, for measures.sh. Sourced by run, which sets here, work, build, quick
# and results. Every server gets a free port and is stopped with all its children.

started=()	# root pids of what runs now
wrong=0		# 1: something could not be measured
load=$work/sigload

# One JSON line about the machine, so that a file of results explains itself.
describe() {
	local cpu
	cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
	printf '{"mode":"machine","cpu":"%s","cores":%d,"kernel":"%s",' "${cpu:-unknown}" \
		"$(nproc)" "$(uname -r)"
	printf '"lighttpd":"%s","node":"%s","peerjs":"%s","star":"%s","nchan":"%s",' "$(lighttpd_version)" \
		"$(node --version)" "$(released_version peerjs peer)" \
		"$(released_version star @libp2p/webrtc-star-signalling-server)" "$(nchan_version)"
	printf '"sigpost":"%s","date":"%s"}\n' "$("$build/sigpost" --version | head -1)" "$(date +%F)"
}

lighttpd_version() {
	lighttpd -v | sed -n 's,^lighttpd/\([0-9.]*\).*,\1,p'
}

# The module does not say its own; Debian's package does.
nchan_version() {
	dpkg-query -W -f '${Version}' libnginx-mod-nchan 2>/dev/null || echo unknown
}

released_version() {	# peerjs | star, package
	node -p 'require(process.argv[1]).version' "$work/$1/node_modules/$2/package.json"
}

answers() {	# port
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		answers "$port" || break
	done
	echo "$port"
}

# Polls until a command succeeds; fails after so many tenths of a second.
await() {	# tenths command...
	local left=$1
	shift
	until "$@"; do
		[ $((left -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

# A fresh directory for a server; sets `place`.
make_place() {
	place=$(mktemp -d "$work/run-XXXXXX")
}

# Starts a foreground command that will listen on $port; sets `server`.
# start_sigpost also sets `front` and `backend`: lighttpd, and the FastCGI process below it.
start() {	# command...
	setsid "$@" >"$work/server.log" 2>&1 </dev/null &
	server=$!
	started+=("$server")
	await 100 is_up_or_gone && answers "$port" ||
		fail "$1 does not answer: $(tail -3 "$work/server.log")"
}

is_up_or_gone() {
	answers "$port" || is_gone "$server"
}

is_gone() {	# pid...
	local pid
	for pid; do
		grep -qs '^State:.[^Z]' "/proc/$pid/status" && return 1
	done
	return 0
}

# Ends processes: asks them, waits, and then does not ask. Children that are left over go too.
end() {	# root pid...
	local tree
	tree=$("$load" pids "$@")
	kill "$@" 2>/dev/null
	await 50 is_gone $tree && return
	kill -KILL $tree 2>/dev/null
	await 50 is_gone $tree
}

stop_all() {
	[ ${#started[@]} -eq 0 ] || end "${started[@]}"
	wait "${started[@]}" 2>/dev/null
	started=()
	rm -rf "$work"/run-??????
}

# ---- the servers ----

start_peerjs() {
	port=$(free_port)
	start node "$work/peerjs/node_modules/peer/dist/bin/peerjs.js" --host 127.0.0.1 \
		--port "$port" --key peerjs --path / --concurrent_limit 20000
}

start_nchan() {
	make_place
	port=$(free_port)
	sed "s#@place@#$place#g; s#@port@#$port#g; s#@nchan@#$NCHAN#g" \
		"$here/servers/nginx.conf.in" >"$place/nginx.conf"
	start nginx -c "$place/nginx.conf"
}

# `sigpost serve` as its users start it; a database that is in `place` already is used. Of ids it takes
# more than by default: who has left without a word keeps his for a while.
start_sigpost() {
	port=$(free_port)
	start env SIGPOST_MAX_PEERS=1000000 SIGPOST_ADDRESS_REQUESTS=0 SIGPOST_ADDRESS_SESSIONS=0 "$build/sigpost" serve --host 127.0.0.1 \
		--port "$port" --db "$place/sigpost.db" --www "$here/../www"
	backend=$(backend_pid "$server") || fail "no FastCGI process below sigpost serve"
	front=$(sed -n 's/^PPid:.//p' "/proc/$backend/status")
}

# One lighttpd with the empty programs and sigpost side by side.
start_lighttpd() {
	port=$(free_port)
	mkdir -p "$place/www"
	cp "$work/null.cgi" "$build/sigpost.cgi" "$build/sigpost" "$place/www/"
	sed "s#@place@#$place#g; s#@work@#$work#g; s#@build@#$build#g; s#@port@#$port#g" \
		"$here/servers/lighttpd.conf.in" >"$place/lighttpd.conf"
	start lighttpd -D -f "$place/lighttpd.conf"
}

# The process that is sigpost and whose parent is lighttpd.
backend_pid() {	# root pid
	local pid parent
	for pid in $("$load" pids "$1"); do
		parent=$(sed -n 's/^PPid:.//p' "/proc/$pid/status")
		[ "$(program "$pid")" = sigpost ] && [ "$(program "$parent")" = lighttpd ] &&
			echo "$pid" && return
	done
	return 1
}

program() {	# pid
	basename "$(readlink "/proc/$1/exe")"
}

# Prints the first process that has a file open.
holder() {	# file
	local entry
	for entry in /proc/[0-9]*/fd/*; do
		[ "$entry" -ef "$1" ] || continue
		entry=${entry#/proc/}
		echo "${entry%%/*}"
		return
	done
	return 1
}

# ---- the load ----

# Seconds to measure, to warm up, to hold; shorter with --quick.
secs() {
	[ -n "$quick" ] && echo 2 || echo "$1"
}

# How many idle streams: in steps to measure them, and as a crowd beside something else.
streams() {
	[ -n "$quick" ] && echo 1000 || echo 1000,5000,8000
}

crowd() {
	streams | sed 's/.*,//'
}

# Runs sigload against $port and appends what it prints to the results, unless it complained.
run_load() {	# label pids adapter base mode options...
	local label=$1 pids=$2 adapter=$3 base=$4
	shift 4
	timeout 300 "$load" "$@" --adapter "$adapter" --url "http://127.0.0.1:$port$base" \
		--pid "$pids" --label "$label" >"$work/load.json" 2>"$work/load.log" &&
		[ ! -s "$work/load.log" ] && cat "$work/load.json" >>"$results" && return
	printf 'bench: %s went wrong and is left out:\n' "$label" >&2
	head -5 "$work/load.log" >&2
	wrong=1
}
