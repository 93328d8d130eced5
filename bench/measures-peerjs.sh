# measures-peerjs.sh: signalling as PeerJS has it, by whoever can do it, one function a measure. A
# label is MEASURE/CONTENDER; table.mjs knows them. Sourced by run.

# `websocket` is sigpost spoken to as the PeerJS server is, `sigver` sigpost in its other protocol.
RIVALS="peerjs nchan sigpost websocket"

# Runs one load against each contender, afresh.
against() {	# measure contenders load options...
	local measure=$1 contenders=$2 name
	shift 2
	for name in $contenders; do
		start_contender "$name"
		run_load "$measure/$name" "$watched" "$adapter" "$base" "$@"
		stop_all
	done
}

# Sets how it is spoken to (adapter, base), whose processes are its server (watched), and which of
# them hold the peers (part). The process that only waits for lighttpd is none of them.
start_contender() {	# name
	base=
	case $1 in
	peerjs) adapter=peerjs-ws; start_peerjs ;;
	nchan) adapter=nchan-sse; start_nchan ;;
	sigpost) adapter=sigpost; make_place; start_sigpost ;;
	websocket) adapter=peerjs-ws; make_place; start_sigpost ;;
	sigver) adapter=sigver-sse; base=$OPENED; make_place; start_sigpost ;;
	*) fail "there is no contender $1" ;;
	esac
	case $1 in
	sig* | websocket) watched=$front part=$backend ;;
	*) watched=$server part=$server ;;
	esac
}

# Whole handshakes: 16 at a time, the same with up to 16 messages a POST, one at a time.
measure_hs() {
	against hs "$RIVALS" hs --conc 16 --warm 2 --secs "$(secs 6)"
}

measure_hsb() {
	against hsb sigpost hs --conc 16 --batch 16 --warm 2 --secs "$(secs 6)"
}

measure_hs1() {
	against hs1 "$RIVALS" hs --conc 1 --warm 1.5 --secs "$(secs 4)"
}

# Relaying: 16 pairs with 6 messages each under way, the same in batches, 64 pairs with one.
measure_tput() {
	against tput "$RIVALS" tput --pairs 16 --window 6 --warm 2 --secs "$(secs 6)"
}

measure_tputb() {
	against tputb sigpost tput --pairs 16 --window 6 --batch 16 --warm 2 --secs "$(secs 6)"
}

measure_tput1() {
	against tput1 "$RIVALS" tput --pairs 64 --window 1 --warm 1.5 --secs "$(secs 4)"
}

# From sending to the other peer's event at light load: 50 pairs, 10 messages a second each.
measure_lat() {
	against lat "$RIVALS sigver" lat --pairs 50 --rate 10 --warm 1.5 --secs "$(secs 6)"
}

# lighttpd needs three descriptors for a WebSocket by CGI: of the 20,000 there are here, for 6,000.
held_by() {	# name
	[ "$1" = websocket ] && streams | sed 's/,8000$//' || streams
}

# What a server costs before anybody comes, and what a stream costs that nobody speaks on.
measure_idle() {
	local name
	for name in $RIVALS sigver; do
		start_contender "$name"
		run_load "idle/$name" "$watched" "$adapter" "$base" \
			idle --n "$(held_by "$name")" --part "$part" --conc 64 --hold 2
		stop_all
	done
}
