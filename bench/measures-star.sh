# measures-star.sh: who is there, as webrtc-star tells it, by sigpost and by the released server. Sourced by
# run. A label is starN/CONTENDER, N the peers that have joined; table.mjs knows them.

STAR_SIZES=${STAR_SIZES:-"100 300 1000 2000"}
# `websocket` is sigpost spoken to as the released server is.
STAR_RIVALS=${STAR_RIVALS:-"sigpost websocket released"}

# For each number of peers a server of its own: they join, and two ticks are measured.
measure_star() {
	local count name
	for count in $([ -n "$quick" ] && echo 100 || echo "$STAR_SIZES"); do
		for name in $STAR_RIVALS; do
			start_star "$name"
			star_load "$count" "$name"
			stop_all
		done
	done
}

# Sets how it is spoken to, and whose processes are its server.
start_star() {	# name
	case $1 in
	sigpost) adapter=star; make_place; start_sigpost; watched=$front ;;
	websocket) adapter=star-sio; make_place; start_sigpost; watched=$front ;;
	released) adapter=star-sio; start_released; watched=$server ;;
	*) fail "there is no contender $1" ;;
	esac
}

start_released() {
	port=$(free_port)
	start node "$work/star/node_modules/@libp2p/webrtc-star-signalling-server/bin/index.js" \
		--host 127.0.0.1 --port "$port" --disable-metrics
}

# As run_load, but a peer that is lost is a result and no reason to leave it out.
star_load() {	# count contender
	timeout 115 "$load" peers --n "$1" --conc 16 --warm 12 --secs 20 --adapter "$adapter" \
		--url "http://127.0.0.1:$port" --pid "$watched" --label "star$1/$2" \
		>"$work/load.json" 2>"$work/load.log" && cat "$work/load.json" >>"$results" && return
	printf 'bench: star%s/%s did not end\n' "$1" "$2" >&2
	head -5 "$work/load.log" >&2
	wrong=1
}
