# measures-star.sh: who is there, as webrtc-star tells it, by sigpost and by the released server. Sourced by
# run. A label is starN/CONTENDER, N the peers that have joined; table.mjs knows them.

STAR_SIZES=${STAR_SIZES:-"100 300 1000 2000"}

# For each number of peers a server of its own: they join, and two ticks are measured.
measure_star() {
	local count
	for count in $([ -n "$quick" ] && echo 100 || echo "$STAR_SIZES"); do
		make_place
		start_sigpost
		star_load "$count" sigpost star "$front"
		stop_all
		start_star
		star_load "$count" released star-sio "$server"
		stop_all
	done
}

start_star() {
	port=$(free_port)
	start node "$work/star/node_modules/@libp2p/webrtc-star-signalling-server/bin/index.js" \
		--host 127.0.0.1 --port "$port" --disable-metrics
}

# As run_load, but a peer that is lost is a result and no reason to leave it out.
star_load() {	# count contender adapter pids
	timeout 115 "$load" peers --n "$1" --conc 16 --warm 12 --secs 20 --adapter "$3" \
		--url "http://127.0.0.1:$port" --pid "$4" --label "star$1/$2" \
		>"$work/load.json" 2>"$work/load.log" && cat "$work/load.json" >>"$results" && return
	printf 'bench: star%s/%s did not end\n' "$1" "$2" >&2
	head -5 "$work/load.log" >&2
	wrong=1
}
